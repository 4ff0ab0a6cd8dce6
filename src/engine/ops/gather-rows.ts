import { activeNative, type NativeBackend } from '../backend.js';
import * as tf from '../tf.js';
import { embedComposed } from './embed.js';

/** Rows of x [M,D] in the given order → [rows.length, D]; differentiable. */
export function gatherRows(x: tf.Tensor2D, rows: Int32Array): tf.Tensor2D {
  const backend = activeNative('gatherRows');
  return backend ? gatherRowsNative(backend, x, rows) : gatherRowsComposed(x, rows);
}

/** An embedding whose table is x. */
export function gatherRowsComposed(x: tf.Tensor2D, rows: Int32Array): tf.Tensor2D {
  return embedComposed(rows, null, x, null);
}

function gatherRowsNative(backend: NativeBackend, x: tf.Tensor2D, rows: Int32Array): tf.Tensor2D {
  const { native } = backend;
  const [M, D] = x.shape;
  const n = rows.length;
  const run = tf.customGrad(() => {
    const y = backend.take(n * D);
    native.gatherRows(n, D, M, rows, backend.activations(x), y);
    const gradFunc = (dy: tf.Tensor) => {
      const dx = backend.take(M * D);
      native.scatterRows(n, D, M, rows, backend.activations(dy), dx);
      return backend.tensor(dx, [M, D]);
    };
    return { value: backend.tensor<tf.Tensor2D>(y, [n, D]), gradFunc };
  });
  return run(x) as tf.Tensor2D;
}
