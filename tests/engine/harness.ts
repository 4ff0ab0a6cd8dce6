/** What the tests of the fused operations share: the backends at hand, random tensors, finite differences. */
import { loadAddon } from '../../src/engine/addon.js';
import { webgpu } from '../../src/engine/engines/webgpu.js';
import { type Precision, startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';

export const hasAddon = loadAddon().native !== null;

const lacking = (await webgpu.needs()).find((need) => need.found === null);
if (lacking) console.warn(`webgpu is not tested: ${lacking.advice}`);
export const hasWebgpu = lacking === undefined;

/** tfjs' own JavaScript backend (every fused operation composed), wasm, webgpu where there is one, and ours where it is built. */
export const backends = [
  'js',
  'wasm',
  ...(hasWebgpu ? ['webgpu'] : []),
  ...(hasAddon ? ['cpu'] : []),
] as const;

/** Those that train models in the tests, and ours with activations in bfloat16; webgpu is too slow on a software GPU. */
export const settings = [
  ...backends.filter((name) => name !== 'webgpu'),
  ...(hasAddon ? ['cpu bfloat16'] : []),
] as const;

/** Makes one of `settings` the current engine. */
export async function use(name: string): Promise<void> {
  const [engine, precision = 'float32'] = name.split(' ') as [string, Precision?];
  if (engine === 'cpu' || engine === 'wasm' || engine === 'webgpu') await startEngine(engine, { precision });
  else {
    await import('@tensorflow/tfjs-backend-cpu');
    await tf.setBackend('cpu');
  }
}

/** Reproducible numbers, roughly uniform in ±scale. */
export function noise(n: number, seed: number, scale = 1): Float32Array {
  let state = seed * 2654435761 + 1;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) / 2 ** 23 - 1) * scale;
  });
}

export interface Case {
  name: string;
  shapes: number[][];
  /** The op under test as it is dispatched; a reference made of plain differentiable tfjs ops. */
  op: (...x: tf.Tensor[]) => tf.Tensor;
  plain: (...x: tf.Tensor[]) => tf.Tensor;
  scale?: number;
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
