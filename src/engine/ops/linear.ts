import { activeNative, type NativeBackend } from '../backend.js';
import * as tf from '../tf.js';
import { gelu } from './gelu.js';

export interface LinearOptions {
  /** 'gelu' is the tanh form, GPT-2's "gelu_new". */
  activation?: 'gelu';
  /** [M,N], added after the activation. */
  residual?: tf.Tensor2D;
  /** w is [N,K] instead of [K,N]. */
  transposeW?: boolean;
}

/**
 * y = act(x w + bias) + residual: x [M,K], w [K,N] (Conv1D's layout), bias [N] or null → [M,N].
 * Differentiable in all.
 */
export function linear(
  x: tf.Tensor2D,
  w: tf.Tensor2D,
  bias: tf.Tensor1D | null,
  options: LinearOptions = {},
): tf.Tensor2D {
  const backend = activeNative('linearForward');
  return backend ? linearNative(backend, x, w, bias, options) : linearComposed(x, w, bias, options);
}

export function linearComposed(
  x: tf.Tensor2D,
  w: tf.Tensor2D,
  bias: tf.Tensor1D | null,
  { activation, residual, transposeW = false }: LinearOptions = {},
): tf.Tensor2D {
  return tf.tidy(() => {
    let y = tf.matMul(x, w, false, transposeW) as tf.Tensor2D;
    if (bias) y = y.add(bias);
    if (activation) y = gelu(y);
    return residual ? y.add(residual) : y;
  });
}

function linearNative(
  backend: NativeBackend,
  x: tf.Tensor2D,
  w: tf.Tensor2D,
  bias: tf.Tensor1D | null,
  { activation, residual, transposeW = false }: LinearOptions,
): tf.Tensor2D {
  const { native } = backend;
  const [M, K] = x.shape;
  const N = transposeW ? w.shape[0] : w.shape[1];
  const act = activation ? 1 : 0;
  const inputs: tf.Tensor[] = [x, w];
  if (bias) inputs.push(bias);
  if (residual) inputs.push(residual);
  const run = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const y = backend.take(M * N);
    const pre = act ? backend.take(M * N) : null;
    const activations = (t: tf.Tensor | undefined) => (t ? backend.activations(t) : null);
    native.linearForward(
      M,
      N,
      K,
      backend.activations(x),
      backend.raw(w),
      transposeW,
      bias && backend.raw(bias),
      act,
      activations(residual),
      y,
      pre,
    );
    save(pre ? [x, w, backend.tensor(pre, [M, N])] : [x, w]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const dx = backend.take(M * K);
      const dw = backend.floats(K * N);
      const dbias = bias ? backend.floats(N) : null;
      const [xs, ws, pres] = saved as [tf.Tensor, tf.Tensor, tf.Tensor?];
      native.linearBackward(
        M,
        N,
        K,
        backend.activations(xs),
        backend.raw(ws),
        transposeW,
        act,
        activations(pres),
        backend.activations(dy),
        dx,
        dw,
        dbias,
      );
      const grads = [backend.tensor(dx, x.shape), backend.tensor(dw, w.shape)];
      if (dbias) grads.push(backend.tensor(dbias, [N]));
      if (residual) grads.push(dy.clone());
      return grads;
    };
    return { value: backend.tensor<tf.Tensor2D>(y, [M, N]), gradFunc };
  });
  return run(...inputs) as tf.Tensor2D;
}
