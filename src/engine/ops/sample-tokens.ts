import { activeNative } from '../backend.js';

export interface Filters {
  /** 0 is argmax. */
  temperature: number;
  /** Keep the k most probable tokens (ties with the k-th too); 0 is off. */
  topK: number;
  /** Keep the fewest tokens whose probabilities reach p; 1 is off. */
  topP: number;
}

/**
 * Draws one token per row of logits [B,V], with one uniform number in [0,1) per row: filters in Hugging
 * Face's order (temperature, top-k, top-p), then the inverse of the distribution function in token order.
 * logprob gets the token's log-probability under the softmax of the logits themselves (temperature 1, no
 * filters).
 */
export function sampleTokens(
  B: number,
  V: number,
  logits: Float32Array,
  { temperature, topK, topP }: Filters,
  uniform: Float32Array,
  tokens: Int32Array,
  logprob: Float32Array,
): void {
  const backend = activeNative('sample');
  if (backend) backend.native.sample(B, V, logits, temperature, topK, topP, uniform, tokens, logprob);
  else sampleTokensComposed(B, V, logits, { temperature, topK, topP }, uniform, tokens, logprob);
}

export function sampleTokensComposed(
  B: number,
  V: number,
  logits: Float32Array,
  { temperature, topK, topP }: Filters,
  uniform: Float32Array,
  tokens: Int32Array,
  logprob: Float32Array,
): void {
  for (let b = 0; b < B; b++) {
    const row = logits.subarray(b * V, (b + 1) * V);
    let max = Number.NEGATIVE_INFINITY;
    for (let v = 0; v < V; v++) max = Math.max(max, row[v]!);
    let sum = 0;
    for (let v = 0; v < V; v++) sum += Math.exp(row[v]! - max);
    const token =
      temperature === 0 ? row.indexOf(max) : draw(row, max, { temperature, topK, topP }, uniform[b]!);
    tokens[b] = token;
    logprob[b] = row[token]! - max - Math.log(sum);
  }
}

function draw(row: Float32Array, max: number, { temperature, topK, topP }: Filters, u: number): number {
  const p = new Float64Array(row.length);
  for (let v = 0; v < p.length; v++) p[v] = Math.exp((row[v]! - max) / temperature);
  if (topK > 0 && topK < p.length) {
    const least = p.slice().sort()[p.length - topK]!;
    for (let v = 0; v < p.length; v++) if (p[v]! < least) p[v] = 0;
  }
  if (topP < 1) {
    const total = p.reduce((a, x) => a + x, 0);
    // All tokens below this share together have less than 1 − p: none is kept, and few are left to be sorted.
    const least = ((1 - topP) * total) / p.length;
    const order: number[] = [];
    for (let v = 0; v < p.length; v++) {
      if (p[v]! >= least) order.push(v);
      else p[v] = 0;
    }
    order.sort((a, b) => p[b]! - p[a]! || a - b);
    let reached = 0;
    for (const v of order) {
      if (reached >= topP * total) p[v] = 0;
      else reached += p[v]!;
    }
  }
  const target = u * p.reduce((a, x) => a + x, 0);
  let cumulative = 0;
  let last = 0;
  for (let v = 0; v < p.length; v++) {
    if (p[v] === 0) continue;
    cumulative += p[v]!;
    last = v;
    if (cumulative > target) break;
  }
  return last;
}
