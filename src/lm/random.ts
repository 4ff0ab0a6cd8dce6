/**
 * Reproducible random streams, each addressed by a few integers, so that no draw depends on how work was
 * batched.
 */

/** Mixes integers into 32 bits (murmur3's finalizer after each). */
function mix(keys: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const key of keys) {
    h = Math.imul(h ^ (key | 0), 0x85ebca6b) + 0x165667b1;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h;
}

/**
 * A stream of numbers in [0, 1) of 32 bits; the same keys give the same stream. Doty-Humphrey's sfc32: unlike
 * the usual generators it takes 96 bits of seed well, and its first numbers are as good as the later ones.
 */
export function randomStream(...keys: number[]): () => number {
  let a = mix([...keys, 1]);
  let b = mix([...keys, 2]);
  let c = mix([...keys, 3]);
  let counter = 1;
  const next = () => {
    const out = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + out) | 0;
    return (out >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** n normal deviates with mean 0 (Box & Muller 1958). */
export function normals(n: number, std: number, uniform: () => number): Float32Array {
  const out = new Float32Array(n);
  for (let i = 0; i < n; i += 2) {
    const radius = std * Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < n) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** 0..n−1 in random order (Fisher & Yates). */
export function permutation(n: number, uniform: () => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
