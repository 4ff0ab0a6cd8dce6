/**
 * A new model's numbers. Scaled by width: linear layers std 1/√D, those that write into the residual stream also /√(2·layers),
 * embedding and head 0.05, positions 0.015, norms 1, biases 0. (With GPT-2's 0.02 a model of width 128 does not learn to copy
 * in 5 M tokens.)
 *
 * Half of the key heads start as matchers: their weights equal those of the first queries that meet them, so each token
 * attends to earlier ones like it. Whether a value occurred before is then learned in 0.5 to 1 M tokens; without, not in 4 M
 * (bench/LOG.md).
 */
import type { LMConfig } from './architecture.js';
import type { Description } from './description.js';
import { normals, randomStream } from './random.js';

function std(role: string, d: Description): number {
  if (role === 'embedding.weight' || role === 'head.weight') return 0.05;
  if (role === 'positions.weight') return 0.015;
  const writes = /\.(attention\.out|mlp\.down)\.weight$/.test(role);
  return writes ? 1 / Math.sqrt(d.width) / Math.sqrt(2 * d.layers) : 1 / Math.sqrt(d.width);
}

function makeMatchers(d: Description, weight: (part: 'q' | 'k' | 'qkv') => Float32Array): void {
  const { heads: H, kvHeads: KV, headDim: Dh, packed } = d.attention;
  const [q, k] = packed ? [weight('qkv'), weight('qkv')] : [weight('q'), weight('k')];
  // In heads: how many a layer puts out, and where keys begin.
  const [ofQ, ofK, firstKey] = packed ? [H + 2 * KV, H + 2 * KV, H] : [H, KV, 0];
  const place = (heads: number, input: number, output: number) =>
    d.transposed ? output * d.width + input : input * heads * Dh + output;
  for (let head = 0; head < Math.floor(KV / 2); head++)
    for (let j = 0; j < Dh; j++)
      for (let i = 0; i < d.width; i++) {
        const [query, key] = [head * (H / KV), firstKey + head];
        k[place(ofK, i, key * Dh + j)] = q[place(ofQ, i, query * Dh + j)]!;
      }
}

/** By parameters' names; the same for the same seed. */
export function initialValues(
  { description: d, parameters }: LMConfig,
  seed: number,
): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  const byRole = new Map<string, Float32Array>();
  for (const [index, { role, name, shape }] of parameters.entries()) {
    const n = shape.reduce((product, size) => product * size, 1);
    const uniform = randomStream(seed, index);
    const value =
      shape.length === 2
        ? normals(n, std(role, d), uniform)
        : new Float32Array(n).fill(role.endsWith('.weight') ? 1 : 0);
    values.set(name, value);
    byRole.set(role, value);
  }
  for (let i = 0; i < d.layers; i++)
    makeMatchers(d, (part) => byRole.get(`layers.${i}.attention.${part}.weight`)!);
  return values;
}
