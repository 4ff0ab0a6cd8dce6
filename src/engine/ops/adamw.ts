import { activeNative, type NativeBackend } from '../backend.js';
import { applyAdam } from '../engines/tensorflow/adam.js';
import { activeTensorflow, type NodeBackend } from '../engines/tensorflow/node-backend.js';
import type { AdamOutcome } from '../native.js';
import * as tf from '../tf.js';
import { globalNormComposed } from './global-norm.js';

export interface AdamHyper {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** Gradients whose norm, of all together, is above this are cut down to it first; 0: none are. */
  clip: number;
}

/**
 * The number of steps done, and first and second moments: one pair per parameter, or, under the engine tensorflow, one flat
 * pair for all of them in their order. readMoments and writeMoments hide which.
 */
export interface AdamState {
  step: number;
  readonly m: tf.Variable[];
  readonly v: tf.Variable[];
}

export function createAdamState(params: readonly tf.Variable[]): AdamState {
  const flat = [[params.reduce((n, p) => n + p.size, 0)]];
  const shapes = activeTensorflow() ? flat : params.map((p) => p.shape);
  const zeros = () => shapes.map((s) => tf.tidy(() => tf.variable(tf.zeros(s), false)));
  return { step: 0, m: zeros(), v: zeros() };
}

/** The values of state.m or state.v, an array per parameter. */
export function readMoments(moments: readonly tf.Variable[], params: readonly tf.Variable[]): Float32Array[] {
  const values = moments.map((x) => x.dataSync() as Float32Array);
  if (values.length === params.length) return values;
  let end = 0;
  return params.map((p) => {
    end += p.size;
    return values[0]!.subarray(end - p.size, end);
  });
}

/** Sets state.m or state.v to values, an array per parameter. */
export function writeMoments(moments: readonly tf.Variable[], values: readonly Float32Array[]): void {
  const flat = () => {
    const all = new Float32Array(moments[0]!.size);
    values.reduce((at, x) => {
      all.set(x, at);
      return at + x.length;
    }, 0);
    return [all];
  };
  const parts = values.length === moments.length ? values : flat();
  moments.forEach((x, i) => {
    tf.tidy(() => x.assign(tf.tensor(parts[i]!, x.shape)));
  });
}

export function disposeAdamState(state: AdamState): void {
  tf.dispose([...state.m, ...state.v]);
}

/** The sum of scalars that are the losses of a step's parts. */
export const sumOfLosses = (losses: readonly tf.Scalar[]): number =>
  losses.reduce((sum, loss) => sum + loss.dataSync()[0]!, 0);

/**
 * One AdamW step over all parameters (Loshchilov & Hutter 2019, algorithm 2, decay scaled by the learning
 * rate as PyTorch does): params, m and v change, state.step counts up. grads like params; weightDecay: one
 * number per parameter. Where the losses' sum or the gradients' norm is not finite, nothing changes.
 */
export function adamw(
  params: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  losses: readonly tf.Scalar[],
  state: AdamState,
  weightDecay: readonly number[],
  hyper: AdamHyper,
): AdamOutcome {
  const backend = activeNative('clippedAdamw');
  const outcome = backend
    ? adamwNative(backend, params, grads, losses, state, weightDecay, hyper)
    : adamwComposed(params, grads, losses, state, weightDecay, hyper);
  if (isUsable(outcome)) state.step++;
  return outcome;
}

const isUsable = ({ loss, gradNorm }: Omit<AdamOutcome, 'finite'>) =>
  Number.isFinite(loss) && Number.isFinite(gradNorm);

function adamwComposed(
  params: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  losses: readonly tf.Scalar[],
  state: AdamState,
  weightDecay: readonly number[],
  hyper: AdamHyper,
): AdamOutcome {
  const before = { loss: sumOfLosses(losses), gradNorm: globalNormComposed(grads) };
  if (!isUsable(before)) return { ...before, finite: true };
  const { clip } = hyper;
  const gradScale = clip > 0 && before.gradNorm > clip ? clip / before.gradNorm : 1;
  const tensorflow = activeTensorflow();
  if (tensorflow) updateTensorflow(tensorflow, params, grads, gradScale, state, weightDecay, hyper);
  else updateComposed(params, grads, gradScale, state, weightDecay, hyper);
  return { ...before, finite: Number.isFinite(globalNormComposed(params)) };
}

/** What the moments' bias corrections make of the learning rate and of v at the step that comes. */
function corrected({ step }: AdamState, { lr, beta1, beta2 }: AdamHyper) {
  return { stepSize: lr / (1 - beta1 ** (step + 1)), vScale: 1 / (1 - beta2 ** (step + 1)) };
}

function updateComposed(
  params: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  gradScale: number,
  state: AdamState,
  weightDecay: readonly number[],
  given: AdamHyper,
): void {
  const { lr, beta1, beta2, eps } = given;
  const { stepSize, vScale } = corrected(state, given);
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

/** All parameters as one flat vector: a few operations a step, and three or four cheap ones a parameter. */
function updateTensorflow(
  backend: NodeBackend,
  params: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  gradScale: number,
  state: AdamState,
  weightDecay: readonly number[],
  given: AdamHyper,
): void {
  const { lr, beta1, beta2, eps } = given;
  const { stepSize, vScale } = corrected(state, given);
  const flatten = (list: readonly tf.Tensor[]) => tf.concat(list.map((x) => x.reshape([x.size])));
  tf.tidy(() => {
    const decayed = params.map((p, i) => (weightDecay[i] ? p.mul(1 - lr * weightDecay[i]) : p));
    const gradient = flatten(grads).mul(gradScale);
    const [m, v] = [state.m[0]!, state.v[0]!];
    const hyper = { stepSize, vScale, beta1, beta2, eps };
    const next = applyAdam(backend, [flatten(decayed), m, v], gradient, hyper);
    const parts = tf.split(
      next[0],
      params.map((p) => p.size),
    );
    params.forEach((p, i) => {
      p.assign(parts[i]!.reshape(p.shape));
    });
    m.assign(next[1]);
    v.assign(next[2]);
  });
}

function adamwNative(
  backend: NativeBackend,
  params: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  losses: readonly tf.Scalar[],
  state: AdamState,
  weightDecay: readonly number[],
  { lr, beta1, beta2, eps, clip }: AdamHyper,
): AdamOutcome {
  const raw = (list: readonly tf.Tensor[]) => list.map((t) => backend.raw(t));
  const writable = (list: readonly tf.Variable[]) => list.map((v) => backend.writable(v));
  return backend.native.clippedAdamw(
    writable(params),
    raw(grads),
    writable(state.m),
    writable(state.v),
    Float64Array.from(weightDecay),
    lr,
    beta1,
    beta2,
    eps,
    state.step + 1,
    clip,
    raw(losses),
  );
}
