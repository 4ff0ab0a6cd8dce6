/**
 * Training with AdamW. A step's loss is Σ w·ce / Σ w over all its tokens, however many rectangles it is
 * computed in, so that accumulating gradients changes nothing but rounding. Everything random is a function
 * of (seed, epoch) and the optimizer's state can be saved, so a resumed training continues bit for bit.
 *
 * Leaves out: mixed precision (the backend's business), more than one device.
 */
import {
  type AdamState,
  adamw,
  createAdamState,
  crossEntropyLoss,
  disposeAdamState,
  embeddingGradient,
  gatherRows,
  globalNorm,
  readMoments,
  sumOfLosses,
  writeMoments,
} from '../engine/fused.js';
import * as tf from '../engine/tf.js';
import { UserError } from '../store/errors.js';
import { readSafetensors, writeSafetensors } from '../store/safetensors.js';
import {
  type Batch,
  type Example,
  epochSteps,
  rectangles,
  type StepSize,
  toBatch,
  totalWeight,
} from './batch.js';
import type { CausalLM } from './model.js';
import { learningRate, type Schedule } from './schedule.js';

/**
 * Where examples come from: a list, shuffled anew each epoch; or a function that makes the examples of a
 * step, the same ones whenever it is asked (a resumed training asks from where it stopped). The function may ask the
 * model itself, which then has been trained up to that step.
 */
export type Source<E = Example> =
  | readonly (E & { ids: readonly number[] })[]
  | ((step: number) => readonly E[] | Promise<readonly E[]>);

export interface TrainOptions extends Schedule {
  /** Optimizer steps in all; for a list, epochs may be given instead. */
  steps?: number;
  epochs?: number;
  /** What one optimizer step takes from a list. Ignored for a function. */
  stepSize: StepSize;
  /** Most padded tokens computed at once: bounds memory, not the result. */
  maxTokens: number;
  betas: readonly [number, number];
  eps: number;
  /** Decoupled, on matrices only (embeddings included; biases and norms not). */
  weightDecay: number;
  /** Largest norm of the gradient of all parameters together; 0: no clipping. */
  clip: number;
  seed: number;
}

export const TRAIN_DEFAULTS: TrainOptions = {
  lr: 3e-3,
  warmup: 100,
  decay: 'cosine',
  floor: 0.05,
  stepSize: { tokens: 4096 },
  maxTokens: 8192,
  betas: [0.9, 0.98],
  eps: 1e-8,
  weightDecay: 0.01,
  clip: 1,
  seed: 0,
};

export interface StepInfo {
  /** Steps done, this one included, and in all. */
  step: number;
  steps: number;
  /**
   * The objective's: weighted mean cross-entropy in nats per token, unless told otherwise; 0 where the step has no weight
   * (then nothing is updated).
   */
  loss: number;
  lr: number;
  /** Norm of the gradient before clipping. */
  gradNorm: number;
  /** Input tokens of this step, without padding; and per second of this step. */
  tokens: number;
  tokensPerSecond: number;
  /** For saving a checkpoint; belongs to the training. */
  state: AdamState;
}

/**
 * A scalar loss of the hidden states [B·T,D] of a rectangle of tokens ids [B·T], and its gradients in the order of lm's
 * parameters. lossOf must make use of lm.head.
 */
export function hiddenGrads(
  lm: CausalLM,
  { ids, B, T }: Pick<Batch, 'ids' | 'B' | 'T'>,
  lossOf: (h: tf.Tensor2D) => tf.Scalar,
): { loss: tf.Scalar; grads: tf.Tensor[] } {
  const positions = lm.positions(B, T);
  return tf.tidy(() => {
    // The embedding is left out of the tape: its gradient is a few rows, added to the output projection's where that is tied.
    const x = lm.embedding(ids, positions);
    const { wte, wpe } = lm;
    const rest = [...lm.params.values()].filter((v) => v !== wpe && (v !== wte || lm.description.tied));
    const { value, grads } = tf.engine().gradients(() => lossOf(lm.hiddenOf(x, B, T)), [x, ...rest]);
    const dx = grads[0] as tf.Tensor2D;
    const of = new Map<tf.Variable, tf.Tensor>(rest.map((v, i) => [v, grads[i + 1]!]));
    const soFar = (of.get(wte) as tf.Tensor2D | undefined) ?? null;
    const { dwte, dwpe } = embeddingGradient(ids, wpe && positions, dx, wte, wpe, soFar);
    of.set(wte, dwte);
    if (wpe && dwpe) of.set(wpe, dwpe);
    return { loss: value as tf.Scalar, grads: [...lm.params.values()].map((v) => of.get(v)!) };
  });
}

/** The loss of a rectangle, Σ w·ce / weight, and its gradients, in the order of lm's parameters. */
function rectangleGrads(lm: CausalLM, batch: Batch, weight: number): { loss: tf.Scalar; grads: tf.Tensor[] } {
  const { labels } = batch;
  const weights = batch.weights.map((w) => w / weight);
  const rows = rowsWithLoss(labels);
  return hiddenGrads(lm, batch, (h) => {
    // The vocabulary's product is worth skipping where most rows have no loss (prompts, padding).
    if (rows.length > 0.75 * labels.length) return crossEntropyLoss(h, lm.head, labels, weights);
    const [l, w] = [rows.map((m) => labels[m]!), Float32Array.from(rows, (m) => weights[m]!)];
    return crossEntropyLoss(gatherRows(h, rows), lm.head, l, w);
  });
}

/** Where labels are not −1. By a loop, which a GPU waits for less than for iterators. */
function rowsWithLoss(labels: Int32Array): Int32Array {
  const rows = new Int32Array(labels.length);
  let count = 0;
  for (let m = 0; m < labels.length; m++) if (labels[m]! >= 0) rows[count++] = m;
  return rows.subarray(0, count);
}

/** Adds a rectangle's gradients to those so far; both are disposed of. */
export function addGrads(grads: tf.Tensor[] | null, fresh: tf.Tensor[]): tf.Tensor[] {
  if (grads === null) return fresh;
  const sums: tf.Tensor[] = grads.map((g, i) => tf.add(g, fresh[i]!));
  tf.dispose([...grads, ...fresh]);
  return sums;
}

/**
 * A loss as the sum of its parts', which are read only when the step is over (descend), and its gradients in lm's parameters in their
 * order; the caller disposes of both. No parts and null where there is no loss.
 */
export interface LossAndGrads {
  losses: tf.Scalar[];
  /** Input tokens, without padding. */
  tokens: number;
  grads: tf.Tensor[] | null;
}

/**
 * One forward and backward pass in rectangles: Σ w·ce / weight over the tokens of these examples. Weights may be negative
 * (policy gradients).
 */
export function lossAndGrads(
  lm: CausalLM,
  examples: readonly Example[],
  weight: number,
  maxTokens: number,
): LossAndGrads {
  const parts = rectangles(
    examples.map((e) => Math.max(1, e.ids.length - 1)),
    maxTokens,
  );
  let tokens = 0;
  const losses: tf.Scalar[] = [];
  let grads: tf.Tensor[] | null = null;
  try {
    for (const part of parts) {
      const batch = toBatch(part.map((i) => examples[i]!));
      tokens += batch.tokens;
      if (batch.labels.every((label) => label < 0)) continue;
      const fresh = rectangleGrads(lm, batch, weight);
      losses.push(fresh.loss);
      grads = addGrads(grads, fresh.grads);
    }
  } catch (error) {
    // Where memory was too little, the next attempt needs this.
    tf.dispose([...losses, ...(grads ?? [])]);
    throw error;
  }
  return { losses, tokens, grads };
}

/**
 * One optimizer step along these gradients, which are disposed of with the losses. Updates lm and state. @returns the loss, and the
 * gradients' norm before clipping
 * @throws UserError where the loss, a gradient or a weight after it is not finite
 */
export function descend(
  lm: CausalLM,
  { losses, grads }: Omit<LossAndGrads, 'tokens'>,
  state: AdamState,
  lr: number,
  options: Pick<TrainOptions, 'weightDecay' | 'betas' | 'eps' | 'clip'>,
): { loss: number; gradNorm: number } {
  if (grads === null) {
    state.step++;
    return { loss: 0, gradNorm: 0 };
  }
  const step = state.step + 1;
  const vars = [...lm.params.values()];
  const decay = vars.map((v) => (v.rank >= 2 ? options.weightDecay : 0));
  const [beta1, beta2] = options.betas;
  const { eps, clip } = options;
  const hyper = { lr, beta1, beta2, eps, clip };
  let outcome: ReturnType<typeof adamw>;
  try {
    outcome = adamw(vars, grads, losses, state, decay, hyper);
  } finally {
    tf.dispose([...grads, ...losses]);
  }
  const { loss, gradNorm, finite } = outcome;
  if (!Number.isFinite(loss) || !Number.isFinite(gradNorm))
    throw diverged(step, `the loss is ${loss}, the gradient's norm ${gradNorm}`);
  if (!finite) throw diverged(step, 'the weights after it are too large, or no numbers');
  return { loss, gradNorm };
}

const diverged = (step: number, how: string): UserError =>
  new UserError(`training diverged at step ${step}: ${how}; take a smaller learning rate (--lr)`);

/**
 * The loss of the weights that a training ends with, on one example: finite weights can still be too large to compute with.
 * @throws UserError where it is not finite
 */
function checkEnd<E>(lm: CausalLM, objective: Objective<E>, examples: readonly E[], step: number): void {
  const { losses, grads } = objective(lm, examples.slice(0, 1), TRAIN_DEFAULTS.maxTokens);
  const loss = sumOfLosses(losses);
  tf.dispose([...losses, ...(grads ?? [])]);
  if (!Number.isFinite(loss)) throw diverged(step, `the loss after it is ${loss}`);
}

/** The mean cross-entropy of examples by their weights: what `train` minimises unless told otherwise. */
export const crossEntropy: Objective<Example> = (lm, examples, maxTokens) => {
  const weight = totalWeight(examples);
  return weight > 0 ? lossAndGrads(lm, examples, weight, maxTokens) : { losses: [], tokens: 0, grads: null };
};

/** What a step minimises on its examples, of whatever kind. */
export type Objective<E> = (lm: CausalLM, examples: readonly E[], maxTokens: number) => LossAndGrads;

/** Every step of a training on a list, as example indices. */
function planSteps(
  examples: readonly { ids: readonly number[] }[],
  { stepSize, steps, epochs, seed }: TrainOptions,
): number[][] {
  const lengths = examples.map((e) => e.ids.length);
  const plan: number[][] = [];
  for (let epoch = 0; epochs !== undefined ? epoch < epochs : plan.length < steps!; epoch++) {
    plan.push(...epochSteps(lengths, stepSize, seed, epoch));
  }
  return steps === undefined ? plan : plan.slice(0, steps);
}

/** Errors of the caller's options and texts, before any time is spent. */
function check(source: Source<unknown>, { steps, epochs }: TrainOptions): void {
  if ((steps === undefined) === (epochs === undefined))
    throw new UserError('training: give either steps or epochs');
  if (typeof source === 'function' && steps === undefined)
    throw new UserError('training on a stream needs steps');
  if (typeof source !== 'function' && source.length === 0)
    throw new UserError('training: there are no examples');
}

/**
 * Trains lm in place. onStep is awaited after every step; returning false stops the training there. `state`
 * resumes: the optimizer's state after the steps done so far, with the same source and options. Returns the
 * final state, which the caller disposes of (disposeAdamState).
 */
export function train(
  lm: CausalLM,
  source: Source,
  options: Partial<TrainOptions>,
  onStep?: (info: StepInfo) => unknown,
  state?: AdamState,
): Promise<AdamState> {
  return trainOn(lm, crossEntropy, source, options, onStep, state);
}

/** The same with another objective than the examples' cross-entropy; onStep is told which examples the step learned from. */
export async function trainOn<E>(
  lm: CausalLM,
  objective: Objective<E>,
  source: Source<E>,
  options: Partial<TrainOptions>,
  onStep?: (info: StepInfo & { examples: readonly E[] }) => unknown,
  state: AdamState = createAdamState([...lm.params.values()]),
): Promise<AdamState> {
  const full = { ...TRAIN_DEFAULTS, ...options };
  check(source, full);
  const plan = typeof source === 'function' ? null : planSteps(source, full);
  const steps = plan ? plan.length : full.steps!;
  let last: readonly E[] = [];
  try {
    while (state.step < steps) {
      const started = performance.now();
      const step = state.step;
      const lr = learningRate(full, step, steps);
      const examples =
        typeof source === 'function' ? await source(step) : plan![step]!.map((i) => source[i]!);
      const { tokens, ...along } = objective(lm, examples, full.maxTokens);
      const { loss, gradNorm } = descend(lm, along, state, lr, full);
      const tokensPerSecond = tokens / ((performance.now() - started) / 1000);
      last = examples;
      const info = { step: step + 1, steps, loss, lr, gradNorm, tokens, tokensPerSecond, state };
      if ((await onStep?.({ ...info, examples })) === false) break;
      // Lets timers and signals in.
      await new Promise((resolve) => setImmediate(resolve));
    }
    checkEnd(lm, objective, last, state.step);
  } catch (error) {
    disposeAdamState(state);
    throw error;
  }
  return state;
}

/** Writes the optimizer's state; the tensors are "m." and "v." before the parameters' names, and "step". */
export async function saveTrainState(lm: CausalLM, state: AdamState, path: string): Promise<void> {
  const names = [...lm.params.keys()];
  const params = [...lm.params.values()];
  const list = (prefix: string, moments: tf.Variable[]) =>
    readMoments(moments, params).map((data, i) => ({
      name: `${prefix}.${names[i]}`,
      shape: params[i]!.shape,
      data,
    }));
  const step = { name: 'step', shape: [1], data: Float32Array.of(state.step) };
  await writeSafetensors(path, [step, ...list('m', state.m), ...list('v', state.v)]);
}

/**
 * Reads what saveTrainState wrote for a model of this shape.
 * @throws UserError where it does not fit, or holds what is no number
 */
export async function loadTrainState(lm: CausalLM, path: string): Promise<AdamState> {
  const tensors = await readSafetensors(path);
  const find = (name: string, shape: number[]) => {
    const tensor = tensors.get(name);
    if (!tensor || tensor.shape.join() !== shape.join()) {
      throw new UserError(
        `${path}: ${name} is missing or does not fit the model; it belongs to another training`,
      );
    }
    return tensor.data;
  };
  const list = (prefix: string) => [...lm.params].map(([name, v]) => find(`${prefix}.${name}`, v.shape));
  const [step, m, v] = [find('step', [1])[0]!, list('m'), list('v')];
  const state = createAdamState([...lm.params.values()]);
  writeMoments(state.m, m);
  writeMoments(state.v, v);
  state.step = step;
  if (!Number.isFinite(globalNorm([...state.m, ...state.v]) + step)) {
    disposeAdamState(state);
    throw new UserError(`${path} holds numbers that are not finite; remove its folder, and train anew`);
  }
  return state;
}
