// src/bayes against the checker's own definitions on made-up data, and its intervals against SciPy's.
import { describe, expect, it } from 'vitest';
import { bootstrap } from '../../src/bayes/bootstrap.js';
import { differenceEstimate, type Estimate, meanEstimate, winRate } from '../../src/bayes/estimate.js';
import { estimateKl } from '../../src/bayes/kl.js';
import * as pairs from '../../src/bayes/pairs.js';
import { effectiveSampleSize, logEvidence, posteriorWeights } from '../../src/bayes/posterior.js';
import {
  average,
  type Expected,
  effectiveSamples,
  evidence,
  klOfText,
  pairAccuracy,
  pooledAuc,
  ratio,
  sum,
  weights,
  won,
} from './definitions.js';

/** Numbers in [0, 1) with no order in them. */
const noise = (i: number) => {
  const x = Math.sin(12.9898 * (i + 1)) * 43758.5453;
  return x - Math.floor(x);
};
const list = (n: number, value: (i: number) => number) => Array.from({ length: n }, (_, i) => value(i));

/** The value, and about the width of a normal interval: half of the numbers below are skewed. */
function agrees({ value, lo, hi, n }: Estimate, expected: Expected): void {
  expect(value).toBeCloseTo(expected.value, 9);
  expect(n).toBe(expected.n);
  expect(lo).toBeLessThan(value);
  expect(hi).toBeGreaterThan(value);
  const width = (hi - lo) / (2 * 1.96 * expected.se);
  expect(width).toBeGreaterThan(0.7);
  expect(width).toBeLessThan(1.4);
}

describe('by their definitions', () => {
  const n = 80;
  const a = list(n, (i) => Math.round(10 * noise(i)) / 10);
  const b = list(n, (i) => Math.round(10 * noise(i + 500)) / 10);

  it('means, differences, win rates', () => {
    agrees(meanEstimate(a), average(a));
    agrees(differenceEstimate(a, b), average(a.map((v, i) => v - b[i]!)));
    agrees(winRate(a, b), average(a.map((v, i) => won(v, b[i]!))));
  });

  it('pair accuracy and AUC', () => {
    const contexts = list(n, (i) => i).map((i) => ({
      ranker: list(4, (j) => noise(9 * i + j)),
      oracle: list(4, (j) => Math.round(2 * noise(9 * i + j) + noise(7 * i + j))),
    }));
    agrees(pairs.pairAccuracy(contexts), pairAccuracy(contexts)!);
    agrees(pairs.pooledAuc(contexts), pooledAuc(contexts)!);
  });

  it('KL by every estimator, of contexts with one text or two, of one token or more', () => {
    const contexts = list(n, (i) => i).map((i) =>
      list(1 + (i % 2), (j) => j).map((j) => {
        const at = (k: number) => list(1 + ((i + j) % 5), (t) => noise(31 * i + 7 * j + t + k));
        return {
          logprobs_q: at(0).map((v) => -v),
          logprobs_p: at(100).map((v) => -0.4 - v),
          exact: at(200),
        };
      }),
    );
    const result = estimateKl(
      contexts.map((texts) =>
        texts.map((text) => ({ logQ: text.logprobs_q, logP: text.logprobs_p, exact: text.exact })),
      ),
      {
        q: 'q',
        p: 'p',
        conditional: true,
        sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: 5, seed: 1 },
      },
    );
    for (const name of ['raoBlackwell', 'k1', 'k2', 'k3', 'k3TokenSum'] as const) {
      const sums = contexts.map((texts) => sum(texts.map((text) => klOfText(text)[name])));
      const texts = contexts.map(({ length }) => length);
      const tokens = contexts.map((of) => sum(of.map(({ exact }) => exact.length)));
      agrees(result[name]!, ratio(sums, texts));
      agrees(result.perToken[name]!, ratio(sums, tokens));
    }
  });

  it('the posterior’s weights, their number, and the evidence', () => {
    for (let i = 0; i < 20; i++) {
      const of = {
        rewards: list(5, (j) => noise(i + 20 * j)),
        logPrior: list(5, (j) => -20 * noise(i + 20 * j + 1000)),
        logProposal: list(5, (j) => -20 * noise(i + 20 * j + 2000)),
      };
      const found = posteriorWeights({ ...of, beta: 3 });
      weights(of, 3).forEach((w, j) => {
        expect(found.weights[j]).toBeCloseTo(w, 12);
      });
      expect(found.ess).toBeCloseTo(effectiveSamples(of, 3), 9);
      // Of weights that do not add up to 1, too.
      expect(effectiveSampleSize(found.weights.map((w) => 7 * w))).toBeCloseTo(found.ess, 9);
      const logLikelihood = of.rewards.map(Math.log);
      expect(logEvidence({ ...of, logLikelihood, selfNormalised: true }).logEvidence).toBeCloseTo(
        evidence(of),
        9,
      );
    }
  });
});

describe('BCa intervals of a skewed sample', () => {
  // A sample of 30, the mean of which is skewed, and the variance of which (over n) is biased, too.
  const x = list(30, (i) => -Math.log(1 - (i + 0.5) / 30) * (1 + 0.3 * Math.sin(i)));
  const mean = (w: Int32Array) => sum(x.map((v, i) => v * w[i]!)) / x.length;
  const variance = (w: Int32Array) => sum(x.map((v, i) => w[i]! * (v - mean(w)) ** 2)) / x.length;
  const of = (statistic: (w: Int32Array) => number, method: 'bca' | 'percentile') =>
    bootstrap(x.length, statistic, { method, resamples: 20_000 });

  // scipy.stats.bootstrap 1.17.1, 200,000 resamples, the mean of two seeds.
  it.each([
    ['the mean', mean, 'percentile', 0.67, 1.351],
    ['the mean', mean, 'bca', 0.701, 1.4],
    ['the variance', variance, 'percentile', 0.378, 1.391],
    ['the variance', variance, 'bca', 0.466, 1.521],
  ] as const)('are SciPy’s: %s', (_name, statistic, method, lo, hi) => {
    const found = of(statistic, method);
    expect(Math.abs(found.lo - lo)).toBeLessThan(0.012);
    expect(Math.abs(found.hi - hi)).toBeLessThan(0.025);
  });
});
