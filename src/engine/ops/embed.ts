import { activeNative, type IlfCpuBackend } from '../backend.js';
import * as tf from '../tf.js';

/**
 * y[m] = wte[ids[m]] + wpe[positions[m]]: ids, positions [M], wte [V,D], wpe [P,D] → [M,D]. Without
 * positions, wte alone.
 */
export function embed(
  ids: Int32Array,
  positions: Int32Array | null,
  wte: tf.Tensor2D,
  wpe: tf.Tensor2D | null,
): tf.Tensor2D {
  const backend = activeNative('embedForward');
  return backend ? embedNative(backend, ids, positions, wte, wpe) : embedComposed(ids, positions, wte, wpe);
}

function checkRange(name: string, values: Int32Array, bound: number): void {
  for (const value of values) {
    if (value < 0 || value >= bound) throw new RangeError(`embed: ${name} ${value} outside 0..${bound - 1}`);
  }
}

export function embedComposed(
  ids: Int32Array,
  positions: Int32Array | null,
  wte: tf.Tensor2D,
  wpe: tf.Tensor2D | null,
): tf.Tensor2D {
  checkRange('id', ids, wte.shape[0]);
  if (positions && wpe) checkRange('position', positions, wpe.shape[0]);
  return tf.tidy(() => {
    const tokens = tf.gather(wte, tf.tensor1d(ids, 'int32'));
    return positions && wpe ? tokens.add(tf.gather(wpe, tf.tensor1d(positions, 'int32'))) : tokens;
  });
}

function embedNative(
  backend: IlfCpuBackend,
  ids: Int32Array,
  positions: Int32Array | null,
  wte: tf.Tensor2D,
  wpe: tf.Tensor2D | null,
): tf.Tensor2D {
  const { native, pool } = backend;
  const M = ids.length;
  const D = wte.shape[1];
  const run = tf.customGrad(() => {
    const y = backend.take(M * D);
    native.embedForward(M, D, ids, positions, backend.raw(wte), wpe && backend.raw(wpe), y);
    const gradFunc = (dy: tf.Tensor) => {
      const dwte = pool.take(wte.size);
      const dwpe = wpe ? pool.take(wpe.size) : null;
      native.embedBackward(M, D, ids, positions, backend.activations(dy), dwte, dwpe);
      const grads = [backend.tensor(dwte, wte.shape)];
      if (wpe && dwpe) grads.push(backend.tensor(dwpe, wpe.shape));
      return grads;
    };
    return { value: backend.tensor<tf.Tensor2D>(y, [M, D]), gradFunc };
  });
  return run(...(wpe ? [wte, wpe] : [wte])) as tf.Tensor2D;
}
