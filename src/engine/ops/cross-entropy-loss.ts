import { activeNative, type NativeBackend } from '../backend.js';
import * as tf from '../tf.js';
import { chunks, rowsPerChunk } from './chunks.js';
import { logProbs, oneHot } from './linear-cross-entropy.js';

/**
 * What training minimises: Σ weights·ce, a scalar, of linearCrossEntropy's per-token losses. h [M,D], w [V,D], labels and
 * weights [M]; label −1 has no loss. The gradient is made together with the loss, which saves a product of hidden states
 * and w.
 */
export function crossEntropyLoss(
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: Int32Array,
  weights: Float32Array,
): tf.Scalar {
  const backend = activeNative('crossEntropyLoss');
  return backend
    ? crossEntropyLossNative(backend, h, w, labels, weights)
    : crossEntropyLossComposed(h, w, labels, weights);
}

/** By chunks of rows. chunkRows is for tests. */
export function crossEntropyLossComposed(
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: Int32Array,
  weights: Float32Array,
  chunkRows = rowsPerChunk(w.shape[0]),
): tf.Scalar {
  const [M, D] = h.shape;
  const V = w.shape[0];
  const run = tf.customGrad((...args) => {
    const save = args[2] as unknown as tf.GradSaveFunc;
    const dh: tf.Tensor2D[] = [];
    let sums: [loss: tf.Scalar, dw: tf.Tensor2D] | null = null;
    for (const [from, rows] of chunks(M, chunkRows)) {
      const [loss, dw, dhPart] = tf.tidy((): [tf.Scalar, tf.Tensor2D, tf.Tensor2D] => {
        const part = h.slice([from, 0], [rows, D]);
        const known = labels.subarray(from, from + rows);
        const scale = tf.tensor2d(
          Float32Array.from(known, (label, i) => (label < 0 ? 0 : weights[from + i]!)),
          [rows, 1],
        );
        const [ln, hot] = [logProbs(part, w), oneHot(known, V)];
        const dlogits = ln.exp().sub(hot).mul<tf.Tensor2D>(scale);
        const lossPart = ln.mul(hot).mul(scale).sum<tf.Scalar>().neg();
        const dwPart: tf.Tensor2D = tf.matMul(dlogits, part, true, false);
        return [
          sums ? sums[0].add<tf.Scalar>(lossPart) : lossPart,
          sums ? sums[1].add<tf.Tensor2D>(dwPart) : dwPart,
          tf.matMul<tf.Tensor2D>(dlogits, w),
        ];
      });
      dh.push(dhPart);
      sums = [loss, dw];
    }
    const [value, dw] = sums as unknown as [tf.Scalar, tf.Tensor2D];
    save([tf.concat(dh, 0), dw]);
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((t) => t.mul(dy)) };
  });
  return run(h, w) as tf.Scalar;
}

function crossEntropyLossNative(
  backend: NativeBackend,
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: Int32Array,
  weights: Float32Array,
): tf.Scalar {
  const { native } = backend;
  const [M, D] = h.shape;
  const V = w.shape[0];
  const run = tf.customGrad((...args) => {
    const save = args[2] as unknown as tf.GradSaveFunc;
    const loss = backend.floats(M);
    const each = backend.storage.write(weights);
    const dh = backend.take(M * D);
    const dw = backend.floats(V * D);
    native.crossEntropyLoss(M, V, D, backend.activations(h), backend.raw(w), labels, each, loss, dh, dw);
    save([backend.tensor(dh, [M, D]), backend.tensor(dw, [V, D])]);
    const total = backend.floats(1);
    native.sum(loss, total);
    for (const used of [loss, each]) if (used !== weights) backend.storage.give(used);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const by = dy.dataSync()[0]!;
      return saved.map((t) => (by === 1 ? t.clone() : t.mul(by)));
    };
    return { value: backend.tensor<tf.Scalar>(total, []), gradFunc };
  });
  return run(h, w) as tf.Scalar;
}
