/** An operation's value and gradients on random numbers, and how far apart two of them are. Leaves out where they are computed. */
import * as tf from '../../engine/tf.js';

/** Reproducible numbers, roughly uniform in ±scale. */
export function noise(n: number, seed: number, scale = 1): Float32Array {
  let state = seed * 2654435761 + 1;
  return new Float32Array(n).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) / 2 ** 23 - 1) * scale;
  });
}

export interface Result {
  value: Float32Array;
  grads: Float32Array[];
}

/** Value and gradients of Σ c·f(x) for fixed pseudo-random weights c. */
export function evaluate(
  f: (...x: tf.Tensor[]) => tf.Tensor,
  inputs: Float32Array[],
  shapes: number[][],
): Result {
  return tf.tidy(() => {
    const xs = inputs.map((x, i) => tf.tensor(x, shapes[i]!));
    const y = f(...xs);
    const weights = tf.tensor(noise(y.size, 99), y.shape);
    const grads = tf.grads((...args) =>
      f(...args)
        .mul(weights)
        .sum(),
    )(xs);
    return {
      value: y.dataSync().slice() as Float32Array,
      grads: grads.map((g) => g.dataSync().slice() as Float32Array),
    };
  });
}

/** Largest |a − b| relative to the largest |b|. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let size = 1e-12;
  for (let i = 0; i < a.length; i++) {
    if (!Number.isFinite(a[i]!) || !Number.isFinite(b[i]!)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    size = Math.max(size, Math.abs(b[i]!));
  }
  return worst / size;
}
