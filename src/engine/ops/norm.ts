import { activeNative, type NativeBackend } from '../backend.js';
import * as tf from '../tf.js';
import { customGradOfSeveral } from './several-results.js';

/** Layer normalisation over the last dimension (Ba et al. 2016): x [M,D], gamma, beta [D] → [M,D]. */
export function layerNorm(x: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D, eps: number): tf.Tensor2D {
  const backend = activeNative('normForward');
  return backend ? normNative(backend, x, gamma, beta, eps) : layerNormComposed(x, gamma, beta, eps);
}

/** Root-mean-square normalisation (Zhang & Sennrich 2019): x [M,D], gamma [D] → [M,D]. */
export function rmsNorm(x: tf.Tensor2D, gamma: tf.Tensor1D, eps: number): tf.Tensor2D {
  const backend = activeNative('normForward');
  return backend ? normNative(backend, x, gamma, null, eps) : rmsNormComposed(x, gamma, eps);
}

/** A norm of x, and x itself. */
export type Branches = [normed: tf.Tensor2D, x: tf.Tensor2D];

/**
 * Where x + f(layerNorm(x)) begins: both of x's ways. Natively the gradient that comes back by the second is added in the pass that makes
 * the norm's.
 */
export function layerNormBranch(
  x: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  eps: number,
): Branches {
  const backend = activeNative('normForward');
  return backend ? branchNative(backend, x, gamma, beta, eps) : [layerNormComposed(x, gamma, beta, eps), x];
}

/** The same by rmsNorm. */
export function rmsNormBranch(x: tf.Tensor2D, gamma: tf.Tensor1D, eps: number): Branches {
  const backend = activeNative('normForward');
  return backend ? branchNative(backend, x, gamma, null, eps) : [rmsNormComposed(x, gamma, eps), x];
}

/** The gradient by hand (Ba et al. 2016): the tape's takes more than twice as many operations. */
export function layerNormComposed(
  x: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  eps: number,
): tf.Tensor2D {
  const run = tf.customGrad((...args) => {
    const save = args[3] as unknown as tf.GradSaveFunc;
    const centred = x.sub(x.mean(1, true));
    const rstd = centred.square().mean(1, true).add(eps).rsqrt();
    const normed = centred.mul(rstd);
    save([normed, rstd, gamma]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [xs, rstds, gammas] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const scaled = dy.mul(gammas);
      const along = xs.mul(scaled.mul(xs).mean(1, true));
      const dx = scaled.sub(scaled.mean(1, true)).sub(along).mul(rstds);
      return [dx, dy.mul(xs).sum(0), dy.sum(0)];
    };
    return { value: normed.mul<tf.Tensor2D>(gamma).add<tf.Tensor2D>(beta), gradFunc };
  });
  return run(x, gamma, beta) as tf.Tensor2D;
}

export function rmsNormComposed(x: tf.Tensor2D, gamma: tf.Tensor1D, eps: number): tf.Tensor2D {
  return tf.tidy(() => x.mul(x.square().mean(1, true).add(eps).rsqrt()).mul(gamma));
}

/** What the native norms compute, and gradients from it: layer norm where beta is given, else RMS norm. */
function nativeNorm(
  backend: NativeBackend,
  x: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D | null,
  eps: number,
) {
  const [M, D] = x.shape;
  const kind = beta ? 0 : 1;
  return {
    inputs: beta ? [x, gamma, beta] : [x, gamma],
    forward(): { y: tf.Tensor2D; saved: tf.Tensor[] } {
      const y = backend.take(M * D);
      const mean = beta ? backend.floats(M) : null;
      const rstd = backend.floats(M);
      backend.native.normForward(
        kind,
        M,
        D,
        eps,
        backend.activations(x),
        backend.raw(gamma),
        beta && backend.raw(beta),
        y,
        mean,
        rstd,
      );
      const saved: tf.Tensor[] = [x, gamma, backend.tensor(rstd, [M])];
      if (mean) saved.push(backend.tensor(mean, [M]));
      return { y: backend.tensor<tf.Tensor2D>(y, [M, D]), saved };
    },
    /** residual: another gradient of x, which is added. */
    gradients(dy: tf.Tensor, residual: tf.Tensor | null, saved: tf.Tensor[]): tf.Tensor[] {
      const [xs, gammas, rstds, means] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
      const dx = backend.take(M * D);
      const dgamma = backend.floats(D);
      const dbeta = beta ? backend.floats(D) : null;
      backend.native.normBackward(
        kind,
        M,
        D,
        backend.activations(xs),
        backend.raw(gammas),
        means ? backend.raw(means) : null,
        backend.raw(rstds),
        backend.activations(dy),
        residual && backend.activations(residual),
        dx,
        dgamma,
        dbeta,
      );
      const grads = [backend.tensor(dx, [M, D]), backend.tensor(dgamma, [D])];
      if (dbeta) grads.push(backend.tensor(dbeta, [D]));
      return grads;
    },
  };
}

function normNative(
  backend: NativeBackend,
  x: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D | null,
  eps: number,
): tf.Tensor2D {
  const { inputs, forward, gradients } = nativeNorm(backend, x, gamma, beta, eps);
  const run = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const { y, saved } = forward();
    save(saved);
    return { value: y, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradients(dy, null, saved) };
  });
  return run(...inputs) as tf.Tensor2D;
}

function branchNative(
  backend: NativeBackend,
  x: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D | null,
  eps: number,
): Branches {
  const { inputs, forward, gradients } = nativeNorm(backend, x, gamma, beta, eps);
  return customGradOfSeveral(
    inputs,
    () => {
      const { y, saved } = forward();
      return { values: [y, x.clone()], saved };
    },
    ([dy, residual], saved) => gradients(dy!, residual!, saved),
  ) as Branches;
}
