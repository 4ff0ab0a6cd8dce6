import { describe, expect, it } from 'vitest';
import { effectiveSampleSize, logEvidence, logSumExp, posteriorWeights } from '../../src/bayes/posterior.js';
import { draw, logProb, sequences, tinyModel, uniform } from './tiny-model.js';

const [prior, proposal] = [tinyModel(1), tinyModel(2)];
/** P(I=1 | x): some function of the text. */
const likelihood = (x: readonly number[]) => (1 + x.filter((v) => v === 1).length) / 5;
const all = sequences();

describe('posterior weights', () => {
  it('over one copy of every text are the posterior itself', () => {
    // With each text once, the proposal is uniform: ω ∝ π_0 exp(βR), the target's definition.
    const beta = 2;
    const unnormalised = all.map((x) => Math.exp(logProb(prior, x) + beta * likelihood(x)));
    const z = unnormalised.reduce((a, b) => a + b, 0);
    const { weights, ess } = posteriorWeights({
      rewards: all.map(likelihood),
      beta,
      logPrior: all.map((x) => logProb(prior, x)),
    });
    for (let i = 0; i < all.length; i++) expect(weights[i]).toBeCloseTo(unnormalised[i]! / z, 12);
    expect(ess).toBeCloseTo(1 / unnormalised.reduce((s, w) => s + (w / z) ** 2, 0), 10);
  });

  it('correct for the proposal: the posterior mean from samples of q', () => {
    const random = uniform(21);
    const x = Array.from({ length: 20_000 }, () => draw(proposal, random));
    const { weights } = posteriorWeights({
      rewards: x.map(likelihood),
      beta: 3,
      logPrior: x.map((ids) => logProb(prior, ids)),
      logProposal: x.map((ids) => logProb(proposal, ids)),
    });
    const length = weights.reduce((sum, w, i) => sum + w * x[i]!.length, 0);
    const target = all.map((ids) => Math.exp(logProb(prior, ids) + 3 * likelihood(ids)));
    const exact =
      target.reduce((sum, w, i) => sum + w * all[i]!.length, 0) / target.reduce((sum, w) => sum + w, 0);
    expect(Math.abs(length - exact)).toBeLessThan(0.02);
    // Without the correction the answer is another one, so the check above can fail.
    const wrong = posteriorWeights({
      rewards: x.map(likelihood),
      beta: 3,
      logPrior: x.map((ids) => logProb(prior, ids)),
    });
    expect(Math.abs(wrong.weights.reduce((sum, w, i) => sum + w * x[i]!.length, 0) - exact)).toBeGreaterThan(
      0.05,
    );
  });

  it('go from uniform to the argmax as β grows', () => {
    const rewards = [0.2, 0.9, 0.5];
    expect(posteriorWeights({ rewards, beta: 0 }).ess).toBeCloseTo(3, 12);
    expect(Array.from(posteriorWeights({ rewards, beta: Infinity }).weights)).toEqual([0, 1, 0]);
    expect(posteriorWeights({ rewards, beta: 1e6 }).ess).toBeCloseTo(1, 12);
  });

  it('share ties at β = ∞ by the other terms', () => {
    const input = { rewards: [1, 1, 0], beta: Infinity };
    expect(Array.from(posteriorWeights(input).weights)).toEqual([0.5, 0.5, 0]);
    const { weights } = posteriorWeights({ ...input, logPrior: [Math.log(3), 0, 50] });
    expect(weights[0]).toBeCloseTo(0.75, 12);
    expect(weights[2]).toBe(0);
  });

  it('do not overflow', () => {
    const { weights } = posteriorWeights({ rewards: [1000, 999], beta: 1, logPrior: [-5000, -5000] });
    expect(weights[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
  });

  it('weigh prior and proposal as told', () => {
    const input = { rewards: [0, 0], beta: 1, logPrior: [0, -1], logProposal: [0, -2] };
    const ratio = (more: object) => {
      const { weights } = posteriorWeights({ ...input, ...more });
      return Math.log(weights[0]! / weights[1]!);
    };
    expect(ratio({})).toBeCloseTo(1 - 2, 12);
    expect(ratio({ proposalWeight: 0 })).toBeCloseTo(1, 12);
    expect(ratio({ priorWeight: 0.5, proposalWeight: 0 })).toBeCloseTo(0.5, 12);
    expect(ratio({ priorWeight: 0, proposalWeight: 0 })).toBeCloseTo(0, 12);
  });

  it('refuse nonsense', () => {
    expect(() => posteriorWeights({ rewards: [], beta: 1 })).toThrow(/no samples/);
    expect(() => posteriorWeights({ rewards: [1], beta: -1 })).toThrow(/beta/);
    expect(() => posteriorWeights({ rewards: [1, Number.NaN], beta: 1 })).toThrow(/do not add up/);
    expect(() => posteriorWeights({ rewards: [1], beta: 1, logPrior: [1, 2] })).toThrow(/logPrior has 2/);
    expect(() => posteriorWeights({ rewards: [1], beta: 1, priorWeight: 1 })).toThrow(/no values/);
    expect(() => effectiveSampleSize([0, 0])).toThrow(/all zero/);
  });

  it('of one sample is that sample', () => {
    expect(posteriorWeights({ rewards: [0.3], beta: 5 })).toMatchObject({ ess: 1 });
  });
});

describe('evidence', () => {
  const exact = all.reduce((sum, x) => sum + Math.exp(logProb(prior, x)) * likelihood(x), 0);

  it('is unbiased on the plain scale: its expectation over one proposal draw, by enumeration', () => {
    const mean = all.reduce((sum, x) => {
      const { logEvidence: value } = logEvidence({
        logLikelihood: [Math.log(likelihood(x))],
        logPrior: [logProb(prior, x)],
        logProposal: [logProb(proposal, x)],
      });
      return sum + Math.exp(logProb(proposal, x)) * Math.exp(value);
    }, 0);
    expect(mean).toBeCloseTo(exact, 12);
  });

  it.each([false, true])('converges (self-normalised: %s)', (selfNormalised) => {
    const random = uniform(22);
    const x = Array.from({ length: 20_000 }, () => draw(proposal, random));
    const { logEvidence: value, ess } = logEvidence({
      logLikelihood: x.map((ids) => Math.log(likelihood(ids))),
      logPrior: x.map((ids) => logProb(prior, ids)),
      logProposal: x.map((ids) => logProb(proposal, ids)),
      selfNormalised,
    });
    expect(Math.abs(value - Math.log(exact))).toBeLessThan(0.05);
    expect(ess).toBeGreaterThan(100);
    expect(ess).toBeLessThan(20_000);
  });

  it('is the log of the mean for the prior’s own samples', () => {
    const result = logEvidence({ logLikelihood: [Math.log(0.2), Math.log(0.6), -Infinity, 0] });
    expect(result.logEvidence).toBeCloseTo(Math.log(1.8 / 4), 12);
    expect(result.ess).toBeCloseTo(4, 12);
  });

  it('may be impossible, and says so', () => {
    expect(logEvidence({ logLikelihood: [-Infinity] }).logEvidence).toBe(-Infinity);
  });

  it('refuses nonsense', () => {
    expect(() => logEvidence({ logLikelihood: [] })).toThrow(/no samples/);
    expect(() => logEvidence({ logLikelihood: [0], logPrior: [0] })).toThrow(/come together/);
    expect(() => logEvidence({ logLikelihood: [Number.NaN] })).toThrow(/NaN/);
  });
});

it('logSumExp', () => {
  expect(logSumExp([])).toBe(-Infinity);
  expect(logSumExp([1000, 1000])).toBeCloseTo(1000 + Math.log(2), 12);
});
