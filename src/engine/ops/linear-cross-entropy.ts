import { activeNative, type NativeBackend } from '../backend.js';
import type { FloatArray } from '../native.js';
import * as tf from '../tf.js';
import { chunks, rowsPerChunk } from './chunks.js';

/**
 * Cross-entropy of the output projection's softmax, without its logits in memory: h [M,D], w [V,D], labels
 * [M] → [M], −ln softmax(h wᵀ)[label] in nats. Label −1: loss 0, no gradient.
 */
export function linearCrossEntropy(h: tf.Tensor2D, w: tf.Tensor2D, labels: Int32Array): tf.Tensor1D {
  const backend = activeNative('crossEntropyForward');
  return backend ? linearCrossEntropyNative(backend, h, w, labels) : linearCrossEntropyComposed(h, w, labels);
}

/** ln softmax(h wᵀ): h [M,D], w [V,D] → [M,V]. */
export const logProbs = (h: tf.Tensor2D, w: tf.Tensor2D) => tf.logSoftmax(tf.matMul(h, w, false, true));

/** labels [M] → [M,V]; a label −1 as if it were 0. */
export function oneHot(labels: Int32Array, V: number): tf.Tensor2D {
  return tf.tidy(() => {
    // tfjs-backend-wasm's oneHot writes out of bounds for −1, and integer bits into floats: the mask and the cast.
    const ids = tf.tensor1d(
      labels.map((l) => Math.max(l, 0)),
      'int32',
    );
    return tf.cast(tf.oneHot(ids, V), 'float32') as tf.Tensor2D;
  });
}

/** The same by chunks of rows, whose logits are computed again for the gradient. chunkRows is for tests. */
export function linearCrossEntropyComposed(
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: Int32Array,
  chunkRows = rowsPerChunk(w.shape[0]),
): tf.Tensor1D {
  const [M, D] = h.shape;
  const V = w.shape[0];
  const parts = [...chunks(M, chunkRows)];
  const known = (from: number, rows: number) => labels.subarray(from, from + rows);
  const hot = (from: number, rows: number) => oneHot(known(from, rows), V);
  const seen = (from: number, rows: number) =>
    tf.tensor1d(Float32Array.from(known(from, rows), (l) => (l < 0 ? 0 : 1)));
  const rowsOf = (x: tf.Tensor, from: number, rows: number) => (x as tf.Tensor2D).slice([from, 0], [rows, D]);
  const run = tf.customGrad((...args) => {
    const save = args[2] as unknown as tf.GradSaveFunc;
    const losses = parts.map(([from, rows]) =>
      tf.tidy(() => {
        const ln = hot(from, rows)
          .mul(logProbs(rowsOf(h, from, rows), w))
          .sum<tf.Tensor1D>(1);
        return ln.mul<tf.Tensor1D>(seen(from, rows)).neg();
      }),
    );
    save([h, w]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [hs, ws] = saved as [tf.Tensor2D, tf.Tensor2D];
      const dh: tf.Tensor2D[] = [];
      let dw: tf.Tensor2D | null = null;
      for (const [from, rows] of parts) {
        const [dhc, dwc] = tf.tidy((): [tf.Tensor2D, tf.Tensor2D] => {
          const hc = rowsOf(hs, from, rows);
          const scale = (dy as tf.Tensor1D).slice(from, rows).mul(seen(from, rows)).reshape([rows, 1]);
          const dlogits = logProbs(hc, ws).exp().sub<tf.Tensor2D>(hot(from, rows)).mul<tf.Tensor2D>(scale);
          const dwPart: tf.Tensor2D = tf.matMul(dlogits, hc, true, false);
          return [tf.matMul<tf.Tensor2D>(dlogits, ws), dw ? dw.add<tf.Tensor2D>(dwPart) : dwPart];
        });
        dh.push(dhc);
        dw = dwc;
      }
      return [tf.concat(dh, 0), dw as unknown as tf.Tensor2D];
    };
    return { value: tf.concat(losses), gradFunc };
  });
  return run(h, w) as tf.Tensor1D;
}

function linearCrossEntropyNative(
  backend: NativeBackend,
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: Int32Array,
): tf.Tensor1D {
  const { native } = backend;
  const [M, D] = h.shape;
  const V = w.shape[0];
  const run = tf.customGrad((...args) => {
    const save = args[2] as unknown as tf.GradSaveFunc;
    const loss = backend.floats(M);
    const lse = backend.floats(M);
    native.crossEntropyForward(M, V, D, backend.activations(h), backend.raw(w), labels, loss, lse);
    save([h, w, backend.tensor(lse, [M])]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [hs, ws, lses] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const dh = backend.take(M * D);
      const dw = backend.floats(V * D);
      const [w, lse, dloss] = [ws, lses, dy].map((t) => backend.raw(t)) as [
        FloatArray,
        FloatArray,
        FloatArray,
      ];
      native.crossEntropyBackward(M, V, D, backend.activations(hs), w, labels, lse, dloss, dh, dw);
      return [backend.tensor(dh, [M, D]), backend.tensor(dw, [V, D])];
    };
    return { value: backend.tensor<tf.Tensor1D>(loss, [M]), gradFunc };
  });
  return run(h, w) as tf.Tensor1D;
}
