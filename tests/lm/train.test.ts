import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { disposeAdamState } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import { type Example, epochSteps, rectangles, toBatch, totalWeight } from '../../src/lm/batch.js';
import { learningRate } from '../../src/lm/schedule.js';
import { loadTrainState, saveTrainState, type TrainOptions, train } from '../../src/lm/train.js';
import { UserError } from '../../src/store/errors.js';
import { difference, settings, use } from '../engine/harness.js';
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

describe('batches', () => {
  test('rectangles hold every row once, within the limit, with little padding', () => {
    const lengths = texts(200, 3).map((e) => e.ids.length * 20);
    const parts = rectangles(lengths, 4000);
    expect(parts.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
    const area = (p: number[]) => p.length * Math.max(...p.map((i) => lengths[i]!));
    for (const part of parts) expect(area(part)).toBeLessThanOrEqual(4000);
    const real = lengths.reduce((a, b) => a + b);
    expect(parts.reduce((sum, p) => sum + area(p), 0)).toBeLessThan(1.15 * real);
  });

  test('a row longer than the limit gets a rectangle of its own', () => {
    expect(rectangles([10, 500, 10], 100)).toEqual([[1], [0, 2]]);
  });

  test('toBatch shifts labels, pads on the right and leaves out weight 0', () => {
    const batch = toBatch([
      { ids: [5, 6, 7], weights: [1, 0, 2] },
      { ids: [8, 9], weights: [1, 1] },
    ]);
    expect(batch).toEqual({
      B: 2,
      T: 2,
      ids: Int32Array.of(5, 6, 8, 0),
      labels: Int32Array.of(-1, 7, 9, -1),
      weights: Float32Array.of(0, 2, 1, 0),
      tokens: 3,
    });
    expect(totalWeight([{ ids: [5, 6, 7], weights: [9, 0, 2] }])).toBe(2);
  });

  test('an epoch holds every example once, differs from the next one, and depends on the seed only', () => {
    const lengths = texts(50).map((e) => e.ids.length);
    const steps = epochSteps(lengths, { tokens: 60 }, 1, 0);
    expect(steps.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
    for (const step of steps) expect(step.reduce((sum, i) => sum + lengths[i]!, 0)).toBeLessThanOrEqual(60);
    expect(epochSteps(lengths, { tokens: 60 }, 1, 0)).toEqual(steps);
    expect(epochSteps(lengths, { tokens: 60 }, 1, 1)).not.toEqual(steps);
    expect(epochSteps(lengths, { tokens: 60 }, 2, 0)).not.toEqual(steps);
  });
});

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
});

test('a training that diverges says so, and keeps nothing', async () => {
  await use('js');
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
  await expect(trained).rejects.toThrow(/^training diverged at step 1: the weights after it are .*\(--lr\)$/);
  await expect(trained).rejects.toBeInstanceOf(UserError);
  expect(tf.memory().numTensors).toBe(before);
  // Whoever saves checkpoints is never shown such weights.
  expect(saved).toEqual([]);
  lm.dispose();
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
