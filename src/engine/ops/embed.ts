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
 * The gradient of embed(ids, positions, wte, wpe) for dy [M,D]: wte's, added to soFar where that is given (the output
 * projection's, of a tied table), and wpe's, null where there is none. Takes over soFar, and natively adds only the rows of
 * the batch, in place: a table of a vocabulary's size is neither made nor added.
 */
export function embeddingGradient(
  ids: Int32Array,
  positions: Int32Array | null,
  dy: tf.Tensor2D,
  wte: tf.Tensor2D,
  wpe: tf.Tensor2D | null,
  soFar: tf.Tensor2D | null,
): { dwte: tf.Tensor2D; dwpe: tf.Tensor2D | null } {
  const backend = activeNative('embedBackward');
  if (!backend) return embeddingGradientComposed(ids, positions, dy, wte, wpe, soFar);
  const dwte = soFar ? backend.owned(soFar) : backend.zeros<tf.Tensor2D>(wte.shape);
  const dwpe = wpe && backend.zeros<tf.Tensor2D>(wpe.shape);
  const [into, places] = [backend.raw(dwte), dwpe && backend.raw(dwpe)];
  const up = backend.activations(dy);
  backend.native.embedBackward(ids.length, dy.shape[1], ids, positions, up, into, places, true);
  return { dwte, dwpe };
}

function embeddingGradientComposed(
  ids: Int32Array,
  positions: Int32Array | null,
  dy: tf.Tensor2D,
  wte: tf.Tensor2D,
  wpe: tf.Tensor2D | null,
  soFar: tf.Tensor2D | null,
): { dwte: tf.Tensor2D; dwpe: tf.Tensor2D | null } {
  const grads = tf.grads((table, places) =>
    embedComposed(ids, positions, table as tf.Tensor2D, (places as tf.Tensor2D | undefined) ?? null),
  );
  const [own, dwpe] = grads(wpe ? [wte, wpe] : [wte], dy) as [tf.Tensor2D, tf.Tensor2D?];
  if (!soFar) return { dwte: own, dwpe: dwpe ?? null };
  const dwte = tf.add<tf.Tensor2D>(soFar, own);
  tf.dispose([own, soFar]);
  return { dwte, dwpe: dwpe ?? null };
}
