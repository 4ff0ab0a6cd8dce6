import { activeNative } from '../backend.js';
import * as tf from '../tf.js';

/** The Euclidean norm of all tensors together. */
export function globalNorm(tensors: readonly tf.Tensor[]): number {
  const backend = activeNative('globalNorm');
  return backend
    ? backend.native.globalNorm(tensors.map((t) => backend.raw(t)))
    : globalNormComposed(tensors);
}

export function globalNormComposed(tensors: readonly tf.Tensor[]): number {
  const squares = tensors.map((t) => tf.tidy(() => t.square().sum().dataSync()[0]!));
  return Math.sqrt(squares.reduce((sum, x) => sum + x, 0));
}
