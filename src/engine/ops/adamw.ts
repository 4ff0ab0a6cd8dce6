import { activeNative, type NativeBackend } from '../backend.js';
import * as tf from '../tf.js';

export interface AdamHyper {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** Gradients are multiplied by this first: clip / norm, or 1. */
  gradScale: number;
}

/** First and second moments, one pair per parameter, and the number of steps done. */
export interface AdamState {
  step: number;
  readonly m: tf.Variable[];
  readonly v: tf.Variable[];
}

export function createAdamState(params: readonly tf.Variable[]): AdamState {
  const zeros = () =>
    params.map((p) => tf.tidy(() => tf.variable(tf.tensor(new Float32Array(p.size), p.shape), false)));
  return { step: 0, m: zeros(), v: zeros() };
}

export function disposeAdamState(state: AdamState): void {
  tf.dispose([...state.m, ...state.v]);
}

/**
 * One AdamW step over all parameters (Loshchilov & Hutter 2019, algorithm 2, decay scaled by the learning
 * rate as PyTorch does): params, m and v change, state.step counts up. grads like params; weightDecay: one
 * number per parameter.
 */
export function adamw(
  params: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  state: AdamState,
  weightDecay: readonly number[],
  hyper: AdamHyper,
): void {
  state.step++;
  const backend = activeNative('adamw');
  if (backend) adamwNative(backend, params, grads, state, weightDecay, hyper);
  else adamwComposed(params, grads, state, weightDecay, hyper);
}

function adamwComposed(
  params: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  state: AdamState,
  weightDecay: readonly number[],
  { lr, beta1, beta2, eps, gradScale }: AdamHyper,
): void {
  const stepSize = lr / (1 - beta1 ** state.step);
  const vScale = 1 / (1 - beta2 ** state.step);
  params.forEach((param, i) => {
    tf.tidy(() => {
      const g = grads[i]!.mul(gradScale);
      const m = state.m[i]!.mul(beta1).add(g.mul(1 - beta1));
      const v = state.v[i]!.mul(beta2).add(g.square().mul(1 - beta2));
      const update = m.mul(stepSize).div(v.mul(vScale).sqrt().add(eps));
      param.assign(param.mul(1 - lr * weightDecay[i]!).sub(update));
      state.m[i]!.assign(m);
      state.v[i]!.assign(v);
    });
  });
}

function adamwNative(
  backend: NativeBackend,
  params: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  state: AdamState,
  weightDecay: readonly number[],
  { lr, beta1, beta2, eps, gradScale }: AdamHyper,
): void {
  const writable = (list: readonly tf.Variable[]) => list.map((v) => backend.writable(v));
  backend.native.adamw(
    writable(params),
    grads.map((g) => backend.raw(g)),
    writable(state.m),
    writable(state.v),
    Float64Array.from(weightDecay),
    lr,
    beta1,
    beta2,
    eps,
    state.step,
    gradScale,
  );
}
