/**
 * What an engine must have in common with tfjs' JavaScript backend, under which every fused operation is a composition of
 * plain ops: the operations themselves, a training, and the sampler with a second pass over its texts. The tests and `bench
 * parity` run the same checks. Leaves out a test runner: a machine with a GPU may have none.
 */
import { type Drawn, draw } from '../../src/doctor/gpu/draw.js';
import { disposeAdamState } from '../../src/engine/fused.js';
import type { Precision } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { CausalLM } from '../../src/lm/model.js';
import { randomStream } from '../../src/lm/random.js';
import { train } from '../../src/lm/train.js';
import { cases } from './cases.js';
import { type Case, difference, evaluate, noise } from './compare.js';

export interface ParityCheck {
  /** One operation's value and gradients, or a whole model at work. */
  of: 'operation' | 'model';
  name: string;
  /** Largest difference that is still parity. */
  tolerance: number;
  /** The largest difference, relative to the largest number of the reference. */
  run(): Promise<number>;
}

/** The engine under test. */
export interface Subject {
  precision: Precision;
  /** Makes it tfjs' current backend. */
  use(): Promise<unknown>;
}

/** The reference. */
async function plainTfjs(): Promise<void> {
  await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
}

const TOLERANCES: Record<Precision, { operation: number; losses: number; weights: number; sampler: number }> =
  {
    // Engines differ in the order of their sums only.
    float32: { operation: 5e-5, losses: 1e-5, weights: 1e-5, sampler: 1e-5 },
    // Rounding changes a number by 2⁻⁸ of itself at most. A gradient is made of three that may be rounded (the one that
    // arrives, what was kept for it, what goes into its product), and is then stored.
    // 20 steps carry that on.
    bfloat16: { operation: 4 * 2 ** -8, losses: 1e-2, weights: 3e-2, sampler: 1e-2 },
  };

/** Numbers that bfloat16 holds, a float's upper half, near the given ones. */
function halves(x: Float32Array): Float32Array {
  return new Float32Array(new Uint32Array(x.slice().buffer).map((bits) => bits & 0xffff0000).buffer);
}

/** An operation's value and gradients. Inputs are numbers that bfloat16 holds, where that is the precision. */
async function operation({ shapes, op, plain, scale }: Case, subject: Subject): Promise<number> {
  const inputs = shapes
    .map((shape, i) => noise(tf.util.sizeFromShape(shape), i + 1, scale))
    .map((x) => (subject.precision === 'bfloat16' ? halves(x) : x));
  await subject.use();
  const got = evaluate(op, inputs, shapes);
  await plainTfjs();
  const want = evaluate(plain, inputs, shapes);
  return Math.max(
    difference(got.value, want.value),
    ...got.grads.map((grad, i) => difference(grad, want.grads[i]!)),
  );
}

const SIZES = { n_layer: 2, n_head: 2, n_embd: 32, n_positions: 32, vocab_size: 67 };
const STEPS = 20;

/** Texts that can be learned: each goes on as the one before it in a random table. */
function texts(count: number, length: number): number[][] {
  const uniform = randomStream(5, 0);
  const next = Array.from({ length: SIZES.vocab_size }, () => Math.floor(uniform() * SIZES.vocab_size));
  return Array.from({ length: count }, () => {
    const ids = [Math.floor(uniform() * SIZES.vocab_size)];
    while (ids.length < length) ids.push(next[ids.at(-1)!]!);
    return ids;
  });
}

interface Trajectory {
  losses: number[];
  weights: number[];
}

/**
 * A training from the same start on the same texts of unequal lengths. The large eps keeps Adam from blowing up gradients
 * that are nothing but rounding. onStep is called after each step.
 */
export async function trajectory(onStep?: () => void): Promise<Trajectory> {
  const lm = CausalLM.init(gpt2Config(SIZES), 1);
  const examples = texts(6, 20).map((ids, i) => ({
    ids: ids.slice(0, 20 - 2 * i),
    weights: ids.slice(0, 20 - 2 * i).map((_, t) => (t < 3 ? 0 : 1)),
  }));
  const losses: number[] = [];
  const options = { steps: STEPS, lr: 3e-3, warmup: 5, maxTokens: 64, eps: 1e-3 };
  const state = await train(
    lm,
    () => examples,
    options,
    ({ loss }) => {
      losses.push(loss);
      onStep?.();
    },
  );
  const weights = [...lm.params.values()].flatMap((v) => [...v.dataSync()]);
  disposeAdamState(state);
  lm.dispose();
  return { losses, weights };
}

/** The reference's, which is the same for every engine and takes the longest. */
let plain: Trajectory | null = null;

async function training(subject: Subject, what: keyof Trajectory): Promise<number> {
  await subject.use();
  const got = await trajectory();
  if (!plain) {
    await plainTfjs();
    plain = await trajectory();
  }
  return difference(got[what], plain[what]);
}

/** What the sampler says of its tokens, against the log-probabilities of the finished texts. */
export async function sampler(subject: Subject): Promise<Drawn & { tolerance: number }> {
  await subject.use();
  return { ...(await draw()), tolerance: TOLERANCES[subject.precision].sampler };
}

/** Every check; the engine under test may or may not be current after one. */
export function parityChecks(subject: Subject): ParityCheck[] {
  const tolerance = TOLERANCES[subject.precision];
  return [
    ...cases.map((c) => ({
      of: 'operation' as const,
      name: c.name,
      tolerance: tolerance.operation,
      run: () => operation(c, subject),
    })),
    ...(['losses', 'weights'] as const).map((what) => ({
      of: 'model' as const,
      name: `${what} of ${STEPS} training steps`,
      tolerance: tolerance[what],
      run: () => training(subject, what),
    })),
    {
      of: 'model',
      name: 'log-probabilities of sampled tokens, and of a second pass',
      tolerance: tolerance.sampler,
      run: async () => (await sampler(subject)).difference,
    },
  ];
}
