import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { NativeBackend } from '../../src/engine/backend.js';
import { type AdamState, disposeAdamState } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import type { Example } from '../../src/lm/batch.js';
import type { CausalLM } from '../../src/lm/model.js';
import { preferenceObjective } from '../../src/lm/preference.js';
import { learningRate } from '../../src/lm/schedule.js';
import {
  loadTrainState,
  type StepInfo,
  saveTrainState,
  type TrainOptions,
  train,
  trainOn,
} from '../../src/lm/train.js';
import { UserError } from '../../src/store/errors.js';
import { cudas, difference, settings, use } from '../engine/harness.js';
import { texts, tinyLM, weightsOf } from './helpers.js';

const options: Partial<TrainOptions> = { lr: 1e-2, warmup: 3, stepSize: { sequences: 8 }, seed: 5 };

/** Trains a fresh tiny model; its losses and its weights afterwards. */
async function run(examples: readonly Example[], extra: Partial<TrainOptions>) {
  const lm = tinyLM();
  const losses: number[] = [];
  disposeAdamState(
    await train(lm, examples, { ...options, ...extra }, (info) => {
      losses.push(info.loss);
    }),
  );
  const weights = weightsOf(lm);
  lm.dispose();
  return { losses, weights };
}

test('the schedule warms up linearly and ends at its floor', () => {
  const s = { lr: 1, warmup: 4, decay: 'cosine', floor: 0.1 } as const;
  expect([0, 1, 3].map((i) => learningRate(s, i, 24))).toEqual([0.25, 0.5, 1]);
  expect(learningRate(s, 23, 24)).toBeCloseTo(0.1, 12);
  expect(learningRate({ ...s, decay: 'constant' }, 23, 24)).toBe(1);
});

describe.each(settings)('training on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test('overfits a few texts', async () => {
    const examples = texts(4).map((e) => ({ ...e, weights: e.ids.map(() => 1) }));
    const { losses } = await run(examples, { steps: 50, lr: 3e-2, weightDecay: 0 });
    expect(losses[0]).toBeGreaterThan(2.5);
    expect(losses.at(-1)).toBeLessThan(0.45);
  });

  test('many small rectangles give the trajectory of one large batch', async () => {
    // The large eps keeps Adam from blowing up gradients that are nothing but rounding (a key's bias has none).
    const whole = await run(texts(16), { epochs: 2, eps: 1e-3 });
    const accumulated = await run(texts(16), { epochs: 2, eps: 1e-3, maxTokens: 1 });
    expect(difference(accumulated.losses, whole.losses)).toBeLessThan(1e-5);
    expect(difference(accumulated.weights, whole.weights)).toBeLessThan(2e-4);
  });

  test('resumes bit for bit from saved files', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ilf-train-'));
    const examples = texts(24);
    const straight = await run(examples, { epochs: 3 });
    const lm = tinyLM();
    const half = await train(lm, examples, { ...options, epochs: 3 }, (i) => i.step < 4);
    expect(half.step).toBe(4);
    await saveTrainState(lm, half, join(dir, 'optimizer.safetensors'));
    disposeAdamState(half);
    const state = await loadTrainState(lm, join(dir, 'optimizer.safetensors'));
    const losses: number[] = [];
    await train(lm, examples, { ...options, epochs: 3 }, (i) => void losses.push(i.loss), state);
    expect(losses).toEqual(straight.losses.slice(4));
    expect(weightsOf(lm)).toEqual(straight.weights);
    disposeAdamState(state);
    lm.dispose();
    await rm(dir, { recursive: true });
  });

  test('texts without any loss change nothing and give no NaN', async () => {
    const cut = texts(16).map((e) => ({ ...e, weights: e.ids.map(() => 0) }));
    const lm = tinyLM();
    const { losses, weights } = await run(cut, { epochs: 1 });
    expect(losses).toEqual([0, 0]);
    expect(weights).toEqual(weightsOf(lm));
    lm.dispose();
    const mixed = await run([...cut.slice(0, 4), ...texts(4)], { epochs: 2 });
    expect(mixed.weights.every(Number.isFinite)).toBe(true);
  });

  test('leaks no tensors', async () => {
    const before = tf.memory().numTensors;
    await run(texts(16), { epochs: 1, maxTokens: 40 });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a training that diverges says so, and keeps nothing', async () => {
    const lm = tinyLM();
    const before = tf.memory().numTensors;
    const saved: number[] = [];
    const trained = train(
      lm,
      () => texts(4),
      { steps: 1, lr: 1e39, warmup: 0 },
      ({ step }) => {
        saved.push(step);
      },
    );
    await expect(trained).rejects.toThrow(
      /^training diverged at step 1: the weights after it are .*\(--lr\)$/,
    );
    await expect(trained).rejects.toBeInstanceOf(UserError);
    expect(tf.memory().numTensors).toBe(before);
    // Whoever saves checkpoints is never shown such weights.
    expect(saved).toEqual([]);
    lm.dispose();
  });

  test('a training whose loss is no number says so, and changes nothing', async () => {
    const lm = tinyLM();
    const last = [...lm.params.values()].at(-1)!;
    tf.tidy(() => last.assign(tf.fill(last.shape, Number.POSITIVE_INFINITY)));
    const before = weightsOf(lm);
    const tensors = tf.memory().numTensors;
    await expect(train(lm, texts(4), { ...options, steps: 1 })).rejects.toThrow(
      /^training diverged at step 1: the loss is \S+, the gradient's norm \S+; take a smaller learning rate \(--lr\)$/,
    );
    expect(weightsOf(lm)).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
    lm.dispose();
  });
});

describe.each(cudas)('a step on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  const pairs = texts(16).map(({ ids }, i, all) => ({ ids, chosen: ids, rejected: all[(i + 1) % 16]!.ids }));
  type OnStep = (info: StepInfo) => void;
  const kinds: [
    what: string,
    train: (lm: CausalLM, how: Partial<TrainOptions>, f: OnStep) => Promise<AdamState>,
  ][] = [
    ['texts', (lm, how, onStep) => train(lm, texts(16), how, onStep)],
    [
      'comparisons',
      (lm, how, onStep) => trainOn(lm, preferenceObjective('bradley-terry', 4, 9), pairs, how, onStep),
    ],
  ];
  test.each(kinds)('on %s reads nothing from the GPU before its end, in many rectangles', async (_, run) => {
    const lm = tinyLM();
    const read = vi.spyOn((tf.backend() as NativeBackend).storage, 'read');
    const losses: number[] = [];
    const state = await run(lm, { ...options, epochs: 2, maxTokens: 40 }, ({ loss }) => {
      losses.push(loss);
      expect(read).not.toHaveBeenCalled();
    });
    expect(losses.length).toBe(4);
    // The loss of the last weights.
    expect(read).toHaveBeenCalledOnce();
    read.mockRestore();
    disposeAdamState(state);
    lm.dispose();
  });
});

test('bad options and texts are refused', async () => {
  await use('js');
  const lm = tinyLM();
  await expect(train(lm, texts(2), {})).rejects.toThrow(UserError);
  await expect(train(lm, [], { epochs: 1 })).rejects.toThrow('no examples');
  await expect(train(lm, () => texts(1), { epochs: 1 })).rejects.toThrow('needs steps');
  const long = { ids: new Array(40).fill(1), weights: new Array(40).fill(1) };
  await expect(train(lm, [long], { epochs: 1 })).rejects.toThrow('too long');
  lm.dispose();
});
