/** Both losses on comparisons: by hand, by finite differences, and however many rectangles they are computed in. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { disposeAdamState, sumOfLosses } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import type { CausalLM } from '../../src/lm/model.js';
import { type Preference, preferenceObjective } from '../../src/lm/preference.js';
import { trainOn } from '../../src/lm/train.js';
import { backends, hasAddon, noise, settings, use } from '../engine/harness.js';
import { texts, tinyLM, weightsOf } from './helpers.js';

const FORMS = ['bradley-terry', 'yes-no'] as const;
const [YES, NO] = [4, 9];

/** Pairs of texts of different lengths. */
function pairs(n: number, seed: number): Preference[] {
  const all = texts(2 * n, seed);
  return Array.from({ length: n }, (_, i) => ({ chosen: all[2 * i]!.ids, rejected: all[2 * i + 1]!.ids }));
}

/** A model whose embeddings are large enough for rewards of about 1. */
function model(): CausalLM {
  const lm = tinyLM(5);
  for (const v of [lm.wte, lm.wpe!]) tf.tidy(() => v.assign(v.mul(8)));
  return lm;
}

/** h·(wte[yes] − wte[no]) at the last token of one text alone. */
function reward(lm: CausalLM, ids: readonly number[]): number {
  const logits = tf.tidy(() => {
    const h = lm.hidden(Int32Array.from(ids), 1, ids.length).slice([ids.length - 1, 0], [1, -1]);
    return tf.matMul(h as tf.Tensor2D, lm.wte, false, true).dataSync();
  });
  return logits[YES]! - logits[NO]!;
}

function lossAndGradients(lm: CausalLM, form: (typeof FORMS)[number], of: Preference[], maxTokens = 1000) {
  const { losses, tokens, grads } = preferenceObjective(form, YES, NO)(lm, of, maxTokens);
  const read = grads!.map((grad) => grad.dataSync() as Float32Array);
  const loss = sumOfLosses(losses);
  tf.dispose([...losses, ...grads!]);
  return { loss, tokens, grads: read };
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const norm = (a: Float32Array) => Math.sqrt(dot(a, a));

describe.each(settings)('the losses on %s', (setting) => {
  beforeAll(() => use(setting));
  afterAll(() => use('js'));

  test('are those of the rewards that each text has alone', () => {
    const lm = model();
    const of = pairs(5, 3);
    const rewards = of.map(({ chosen, rejected }) => [reward(lm, chosen), reward(lm, rejected)] as const);
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    const expected = {
      'bradley-terry': mean(rewards.map(([c, r]) => -Math.log(sigmoid(c - r)))),
      'yes-no': mean(rewards.map(([c, r]) => -Math.log(sigmoid(c)) - Math.log(sigmoid(-r)))),
    };
    // A test of equal rewards would not tell the forms' signs apart.
    expect(Math.max(...rewards.map(([c, r]) => Math.abs(c - r)))).toBeGreaterThan(0.5);
    for (const form of FORMS) {
      const { loss, tokens } = lossAndGradients(lm, form, of);
      expect(Math.abs(loss - expected[form])).toBeLessThan(setting.includes('bfloat16') ? 0.05 : 1e-5);
      expect(tokens).toBe(of.flatMap(({ chosen, rejected }) => [...chosen, ...rejected]).length);
    }
    lm.dispose();
  });

  test('and their gradients are the same in one rectangle and in one for each pair', () => {
    const lm = model();
    for (const form of FORMS) {
      const whole = lossAndGradients(lm, form, pairs(7, 4));
      const parts = lossAndGradients(lm, form, pairs(7, 4), 1);
      const close = setting.includes('bfloat16') ? 0.02 : 1e-5;
      expect(Math.abs(parts.loss - whole.loss)).toBeLessThan(close);
      whole.grads.forEach((grad, i) => {
        expect(norm(parts.grads[i]!.map((x, j) => x - grad[j]!))).toBeLessThan(close);
      });
    }
    lm.dispose();
  });
});

describe('a training', () => {
  beforeAll(() => use(hasAddon ? 'cpu' : 'js'));
  afterAll(() => use('js'));

  test.each(FORMS)(
    '%s teaches which texts end with a token, the same each time, and leaks nothing',
    async (form) => {
      const of = pairs(32, 6).map(({ chosen, rejected }) => ({
        chosen: [...chosen, 2],
        rejected: [...rejected, 1],
        ids: chosen,
      }));
      const before = tf.memory().numTensors;
      const run = async () => {
        const lm = model();
        const losses: number[] = [];
        const options = { lr: 1e-2, warmup: 2, stepSize: { sequences: 8 }, epochs: 4, seed: 5 };
        const objective = preferenceObjective(form, YES, NO);
        disposeAdamState(await trainOn(lm, objective, of, options, ({ loss }) => void losses.push(loss)));
        const weights = weightsOf(lm);
        lm.dispose();
        return { losses, weights };
      };
      const { losses, weights } = await run();
      expect(losses).toHaveLength(16);
      expect(losses.at(-1)).toBeLessThan(0.1);
      expect(losses[0]).toBeGreaterThan(0.4);
      expect((await run()).weights).toEqual(weights);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});

// The composition and the native one; what they are made of has tests on every backend.
describe.each(backends.filter((name) => name === 'wasm' || name === 'cpu'))(
  'the gradients on %s',
  (backend) => {
    beforeAll(() => use(backend));
    afterAll(() => use('js'));

    test.each(FORMS)(
      'of %s agree with finite differences along them and across, parameter by parameter',
      (form) => {
        const lm = model();
        const of = pairs(3, 8);
        const { grads } = lossAndGradients(lm, form, of);
        [...lm.params].forEach(([name, v], i) => {
          const grad = grads[i]!;
          const value = Float32Array.from(v.dataSync());
          const lossAt = (direction: Float32Array, step: number) => {
            const moved = value.map((x, j) => x + step * direction[j]!);
            tf.tidy(() => v.assign(tf.tensor(moved, v.shape)));
            return lossAndGradients(lm, form, of).loss;
          };
          const random = noise(v.size, 7);
          for (const [direction, length] of [
            [grad, norm(grad)],
            [random, norm(random)],
          ] as const) {
            if (length < 1e-6) continue;
            const unit = direction.map((x) => x / length);
            // As in gradient.test.ts: float32 losses of about 1 with this step give slopes to 5e-5.
            const step = 5e-3;
            const slope = (lossAt(unit, step) - lossAt(unit, -step)) / (2 * step);
            const expected = dot(grad, unit);
            expect(Math.abs(slope - expected), name).toBeLessThan(3e-4 + 1e-3 * Math.abs(expected));
          }
          tf.tidy(() => v.assign(tf.tensor(value, v.shape)));
        });
        lm.dispose();
      },
    );
  },
);

test('one pair by hand: equal rewards cost ln 2 and twice ln 2, and only the chosen and the rejected text pull', async () => {
  await use('js');
  const lm = model();
  const same = [{ chosen: [1, 2, 3], rejected: [1, 2, 3] }];
  const bradleyTerry = lossAndGradients(lm, 'bradley-terry', same);
  expect(bradleyTerry.loss).toBeCloseTo(Math.LN2, 6);
  for (const grad of bradleyTerry.grads) expect(norm(grad)).toBeLessThan(1e-6);
  // wte[yes] = wte[no]: every reward is 0, and −ln σ(0) − ln σ(−0) = 2 ln 2.
  const table = Float32Array.from(lm.wte.dataSync());
  const D = lm.description.width;
  table.copyWithin(NO * D, YES * D, (YES + 1) * D);
  tf.tidy(() => lm.wte.assign(tf.tensor2d(table, lm.wte.shape)));
  expect(lossAndGradients(lm, 'yes-no', pairs(1, 2)).loss).toBeCloseTo(2 * Math.LN2, 6);
  lm.dispose();
});
