import { activeNative, type NativeBackend } from '../backend.js';
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
  backend: NativeBackend,
  ids: Int32Array,
  positions: Int32Array | null,
  wte: tf.Tensor2D,
  wpe: tf.Tensor2D | null,
): tf.Tensor2D {
  const { native } = backend;
  const M = ids.length;
  const D = wte.shape[1];
  const run = tf.customGrad(() => {
    const y = backend.take(M * D);
    native.embedForward(M, D, ids, positions, backend.raw(wte), wpe && backend.raw(wpe), y);
    const gradFunc = (dy: tf.Tensor) => {
      const dwte = backend.floats(wte.size);
      const dwpe = wpe ? backend.floats(wpe.size) : null;
      native.embedBackward(M, D, ids, positions, backend.activations(dy), dwte, dwpe, false);
      const grads = [backend.tensor(dwte, wte.shape)];
      if (wpe && dwpe) grads.push(backend.tensor(dwpe, wpe.shape));
      return grads;
    };
    return { value: backend.tensor<tf.Tensor2D>(y, [M, D]), gradFunc };
  });
  return run(...(wpe ? [wte, wpe] : [wte])) as tf.Tensor2D;
}

/**
 * The gradient of a tied embedding: dwte, the table's gradient so far (the output projection's), plus that of
 * embed(ids, positions, wte, wpe) for dy [M,D]; and wpe's. Takes over dwte, and natively adds only the rows of
 * the batch, in place: a table of a vocabulary's size is neither made nor added.
 */
export function addEmbeddingGradient(
  ids: Int32Array,
  positions: Int32Array,
  dy: tf.Tensor2D,
  dwte: tf.Tensor2D,
  wpe: tf.Tensor2D,
): { dwte: tf.Tensor2D; dwpe: tf.Tensor2D } {
  const backend = activeNative('embedBackward');
  if (!backend) {
    const grads = tf.grads((table, places) =>
      embedComposed(ids, positions, table as tf.Tensor2D, places as tf.Tensor2D),
    );
    const [own, dwpe] = grads([dwte, wpe], dy) as [tf.Tensor2D, tf.Tensor2D];
    const sum = tf.add(dwte, own) as tf.Tensor2D;
    tf.dispose([own, dwte]);
    return { dwte: sum, dwpe };
  }
  const sum = backend.owned(dwte);
  const dwpe = backend.zeros<tf.Tensor2D>(wpe.shape);
  const [into, places] = [backend.raw(sum), backend.raw(dwpe)];
  backend.native.embedBackward(
    ids.length,
    dy.shape[1],
    ids,
    positions,
    backend.activations(dy),
    into,
    places,
    true,
  );
  return { dwte: sum, dwpe };
}
