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
  // Read together: on a GPU every reading waits for all work before it.
  const squares = tf.tidy(() => tf.stack(tensors.map((t) => t.square().sum())).dataSync() as Float32Array);
  return Math.sqrt(squares.reduce((sum, x) => sum + x, 0));
}
