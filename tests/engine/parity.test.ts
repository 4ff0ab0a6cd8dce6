/**
 * Every engine that is here, in each of its precisions, does what the others do. Operations and their gradients are in
 * fused.test.ts (float32) and bfloat16.test.ts; here are 20 steps of training against the reference, tfjs' own JavaScript
 * backend under compositions, and what the sampler says of a token against a second pass over the finished text.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activeTensorflow } from '../../src/engine/engines/tensorflow/node-backend.js';
import { disposeAdamState } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import { sample } from '../../src/lm/sample.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { train } from '../../src/lm/train.js';
import { texts, tinyLM, weightsOf } from '../lm/helpers.js';
import { difference, settings, use } from './harness.js';

const STEPS = 20;

interface Trajectory {
  losses: number[];
  weights: Float32Array;
}

/** A tiny model trained for STEPS steps. The large eps keeps Adam from blowing up gradients that are nothing but rounding. */
async function trajectory(onStep?: () => void): Promise<Trajectory> {
  const lm = tinyLM();
  const losses: number[] = [];
  const options = { lr: 1e-2, warmup: 3, stepSize: { sequences: 8 }, seed: 5, steps: STEPS, eps: 1e-3 };
  const state = await train(lm, texts(24), options, ({ loss }) => {
    losses.push(loss);
    onStep?.();
  });
  const weights = weightsOf(lm);
  disposeAdamState(state);
  lm.dispose();
  return { losses, weights };
}

/**
 * Largest difference relative to the largest loss or weight. float32: engines differ in the order of their sums only
 * (measured: 3e-7 and 9e-7 at most). bfloat16 rounds every activation by up to 2⁻⁹, or 2e-3, of itself, and 20 steps carry
 * that on (measured: 2e-3 and 9e-3).
 */
const TOLERANCE = {
  float32: { losses: 1e-5, weights: 1e-5 },
  bfloat16: { losses: 1e-2, weights: 3e-2 },
};
const toleranceOf = (setting: string) => TOLERANCE[setting.endsWith('bfloat16') ? 'bfloat16' : 'float32'];

let reference: Trajectory;
beforeAll(async () => {
  await use('js');
  reference = await trajectory();
});

describe.each(settings)('parity of %s', (setting) => {
  beforeAll(() => use(setting));
  afterAll(() => use('js'));

  test(`${STEPS} steps of training give the reference's losses and weights`, async () => {
    const { losses, weights } = await trajectory();
    const tolerance = toleranceOf(setting);
    expect(difference(losses, reference.losses)).toBeLessThan(tolerance.losses);
    expect(difference(weights, reference.weights)).toBeLessThan(tolerance.weights);
    expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!);
  });

  test('no step keeps a tensor', async () => {
    const counts: unknown[] = [];
    await trajectory(() => {
      // TensorFlow's own count too: tfjs does not see a handle that its backend forgets.
      const own = activeTensorflow()?.binding.getNumOfTensors();
      counts.push([tf.memory().numTensors, tf.memory().numBytes, own]);
    });
    // Parameters are made before the first step; some reach TensorFlow in it.
    expect(new Set(counts.slice(1).map((count) => JSON.stringify(count))).size).toBe(1);
  });

  // The same model in the same precision, by two paths: the decoder's cache and the whole text at once.
  test('what the sampler says of a token is what scoring the finished text says', async () => {
    const lm = tinyLM(3);
    const options = { maxNewTokens: 10, temperature: 1, topK: 0, topP: 1, seed: 1, stopIds: [5] };
    const prompts = texts(5, 9).map(({ ids }) => ids);
    for (const o of [options, { ...options, temperature: 0.8, topP: 0.9, topK: 12 }]) {
      const completions = await sample(lm, prompts, 4, o);
      const items = completions.flatMap((list, p) =>
        list.map(({ ids }) => ({ prompt: prompts[p]!, completion: ids })),
      );
      const scores = await scoreCompletions(lm, items);
      completions.flat().forEach(({ ids, logprobs, finished }, i) => {
        expect(logprobs.length).toBe(ids.length);
        expect(Math.max(...logprobs.map((l, t) => Math.abs(l - scores[i]![t]!)))).toBeLessThan(1e-4);
        expect(finished).toBe(ids.at(-1) === 5);
        expect(ids.indexOf(5) < 0 || ids.indexOf(5) === ids.length - 1).toBe(true);
        expect(finished || ids.length === 10).toBe(true);
      });
    }
    lm.dispose();
  });
});
