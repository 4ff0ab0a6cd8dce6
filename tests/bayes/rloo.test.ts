// RLOO on a model small enough to enumerate: its estimate of the gradient against that of E[r] − β KL from the definition.
import { describe, expect, it } from 'vitest';
import { leaveOneOutAdvantages, penalisedRewards } from '../../src/bayes/rloo.js';
import {
  draw,
  eos,
  exactKl,
  logProb,
  maxLength,
  sequences,
  type TinyModel,
  tinyModel,
  uniform,
  vocabSize,
} from './tiny-model.js';

const [policy, base] = [tinyModel(1), tinyModel(2)];
const beta = 0.7;
const all = sequences();
const rewardOf = (ids: readonly number[]) => Math.sin(7 * ids.reduce((sum, id) => 3 * sum + id + 1, 0));
const logRatio = (ids: readonly number[]) => logProb(policy, ids) - logProb(base, ids);

/** The parameters: a logit for every next token at every prefix. */
const parameters = all
  .flatMap((ids) => ids.map((_, t) => ids.slice(0, t)))
  .filter((prefix, i, prefixes) => prefixes.findIndex((other) => other.join() === prefix.join()) === i)
  .filter((prefix) => prefix.length < maxLength && prefix.at(-1) !== eos)
  .flatMap((prefix) => Array.from({ length: vocabSize }, (_, token) => ({ prefix, token })));

/** ∂ ln π(ids) / ∂ each logit. */
const score = (ids: readonly number[]) =>
  parameters.map(({ prefix, token }) => {
    const passes = prefix.length < ids.length && prefix.every((id, t) => id === ids[t]);
    return passes ? (ids[prefix.length] === token ? 1 : 0) - policy(prefix)[token]! : 0;
  });

/** Σ_i A_i ∇ ln π(x_i) / k. */
function estimate(group: readonly (readonly number[])[], beta: number): number[] {
  const values = penalisedRewards(group.map(rewardOf), group.map(logRatio), beta);
  const advantages = leaveOneOutAdvantages(values);
  const scores = group.map(score);
  return parameters.map((_, p) =>
    advantages.reduce((sum, advantage, i) => sum + (advantage * scores[i]![p]!) / group.length, 0),
  );
}

/** The policy with one logit raised. */
function raised(at: (typeof parameters)[number], by: number): TinyModel {
  return (prefix) => {
    const before = policy(prefix);
    if (prefix.join() !== at.prefix.join()) return before;
    const weights = before.map((p, token) => (token === at.token ? p * Math.exp(by) : p));
    const total = weights.reduce((a, b) => a + b);
    return weights.map((w) => w / total);
  };
}

const objective = (model: TinyModel, beta: number) =>
  all.reduce((sum, ids) => sum + Math.exp(logProb(model, ids)) * rewardOf(ids), 0) -
  beta * exactKl(model, base);
/** By central differences of the definition: it knows nothing of score functions. */
const exact = (beta: number) =>
  parameters.map((at) => (objective(raised(at, 1e-5), beta) - objective(raised(at, -1e-5), beta)) / 2e-5);

describe('the RLOO estimate', () => {
  it.each([0, beta])('has the gradient of E[r] − %f KL as its mean, over all pairs', (beta) => {
    const mean = parameters.map(() => 0);
    for (const x of all)
      for (const y of all) {
        const chance = Math.exp(logProb(policy, x) + logProb(policy, y));
        estimate([x, y], beta).forEach((value, p) => {
          mean[p]! += chance * value;
        });
      }
    const expected = exact(beta);
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.05);
    mean.forEach((value, p) => {
      expect(value).toBeCloseTo(expected[p]!, 8);
    });
  });

  it('is within 3 standard errors of it in at least 95 % of 200 repetitions', () => {
    const expected = exact(beta);
    const widest = expected.map(Math.abs).indexOf(Math.max(...expected.map(Math.abs)));
    const repetitions = 200;
    let within = 0;
    for (let seed = 0; seed < repetitions; seed++) {
      const random = uniform(1000 + seed);
      const values = Array.from({ length: 100 }, () => {
        const group = Array.from({ length: 4 }, () => draw(policy, random));
        return estimate(group, beta)[widest]!;
      });
      const mean = values.reduce((a, b) => a + b) / values.length;
      const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
      if (Math.abs(mean - expected[widest]!) < 3 * Math.sqrt(variance / values.length)) within++;
    }
    expect(within).toBeGreaterThanOrEqual(0.95 * repetitions);
  });
});

describe('a case by hand', () => {
  it('of three samples', () => {
    const values = penalisedRewards([3, 1, 5], [2, 0, -2], 0.5);
    expect(values).toEqual([2, 1, 6]);
    expect(leaveOneOutAdvantages(values)).toEqual([2 - 3.5, 1 - 4, 6 - 1.5]);
  });
  it('has no advantages where all are as good', () => {
    expect(leaveOneOutAdvantages([4, 4])).toEqual([0, 0]);
  });
  it('needs two samples, and a log-ratio for each reward', () => {
    expect(() => leaveOneOutAdvantages([1])).toThrow(/needs 2 samples of a prompt, there are 1/);
    expect(() => penalisedRewards([1, 2], [1], 1)).toThrow(/2 rewards for 1 log-ratios/);
  });
});
