import { activeNative, type NativeBackend } from '../backend.js';
import * as tf from '../tf.js';
import { linearCrossEntropy } from './linear-cross-entropy.js';

/**
 * What training minimises: Σ weights·ce, a scalar, of linearCrossEntropy's per-token losses. h [M,D], w [V,D], labels and
 * weights [M]; label −1 has no loss. Natively the gradient is made together with the loss, which saves a product of
 * hidden states and w.
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

export function crossEntropyLossComposed(
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: Int32Array,
  weights: Float32Array,
): tf.Scalar {
  return tf.tidy(() => linearCrossEntropy(h, w, labels).mul(tf.tensor1d(weights)).sum<tf.Scalar>());
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
    const total = backend.storage.read(loss).reduce((sum, x) => sum + x, 0);
    for (const used of [loss, each]) if (used !== weights) backend.storage.give(used);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const by = dy.dataSync()[0]!;
      return saved.map((t) => (by === 1 ? t.clone() : t.mul(by)));
    };
    return { value: tf.scalar(total), gradFunc };
  });
  return run(h, w) as tf.Scalar;
}
