import { describe, expect, it } from 'vitest';
import {
  describeInterval,
  differenceEstimate,
  meanEstimate,
  ratioEstimate,
  winRate,
} from '../../src/bayes/estimate.js';
import { normalCdf, normalQuantile } from '../../src/bayes/normal.js';
import { uniform } from './tiny-model.js';

/** Exponential numbers of mean 1: skewed, as log-ratios are. */
const exponential = (random: () => number) => -Math.log(1 - random());

/** Share of intervals that hold the truth, over `runs` simulated data sets. */
function coverage(
  runs: number,
  truth: number,
  interval: (run: number) => { lo: number; hi: number },
): number {
  let covered = 0;
  for (let run = 0; run < runs; run++) {
    const { lo, hi } = interval(run);
    if (lo <= truth && truth <= hi) covered++;
  }
  return covered / runs;
}

describe('bootstrap coverage', () => {
  const runs = 300; // standard error of a coverage of 0.95: 0.013

  it.each([
    ['bca', 0.905, 0.985],
    ['percentile', 0.9, 0.975],
  ] as const)('%s holds a skewed mean about 95% of the time', (method, least, most) => {
    const random = uniform(11);
    const rate = coverage(runs, 1, (seed) =>
      meanEstimate(
        Array.from({ length: 100 }, () => exponential(random)),
        { seed, resamples: 400, method },
      ),
    );
    expect(rate).toBeGreaterThan(least);
    expect(rate).toBeLessThan(most);
  });

  it('resamples the samples of a context together: ignoring that would be far too sure', () => {
    const random = uniform(12);
    const data = () =>
      Array.from({ length: 40 }, () => {
        const shared = 4 * random();
        return Array.from({ length: 8 }, () => shared + random());
      });
    const clustered = coverage(runs, 2.5, (seed) => meanEstimate(data(), { seed, resamples: 500 }));
    const flat = coverage(runs, 2.5, (seed) => meanEstimate(data().flat(), { seed, resamples: 200 }));
    expect(clustered).toBeGreaterThan(0.91);
    expect(flat).toBeLessThan(0.7);
  });

  it('pairs: a difference on the same contexts is held, and is narrower than the means', () => {
    const random = uniform(13);
    let width = 0;
    let unpaired = 0;
    const rate = coverage(runs, 0.5, (seed) => {
      const difficulty = Array.from({ length: 50 }, () => 5 * random());
      const a = difficulty.map((d) => d + 0.5 + random());
      const b = difficulty.map((d) => d + random());
      const difference = differenceEstimate(a, b, { seed, resamples: 300 });
      const mean = meanEstimate(a, { seed, resamples: 300 });
      width += difference.hi - difference.lo;
      unpaired += mean.hi - mean.lo;
      return difference;
    });
    expect(rate).toBeGreaterThan(0.91);
    expect(width).toBeLessThan(unpaired / 2);
  });

  it('holds a ratio of sums', () => {
    const random = uniform(14);
    const rate = coverage(runs, 2, (seed) =>
      ratioEstimate(
        Array.from({ length: 60 }, () => {
          const weight = 1 + Math.floor(10 * random());
          return { weight, sum: weight * 2 + 3 * (random() - 0.5) };
        }),
        { seed, resamples: 400 },
      ),
    );
    expect(rate).toBeGreaterThan(0.91);
    expect(rate).toBeLessThan(0.985);
  });
});

describe('estimates', () => {
  it('gives the same numbers for the same seed, others for another', () => {
    const values = [1, 5, 2, 8, 3, 9, 4];
    expect(meanEstimate(values, { seed: 4 })).toEqual(meanEstimate(values, { seed: 4 }));
    expect(meanEstimate(values, { seed: 4 }).lo).not.toBe(meanEstimate(values, { seed: 5 }).lo);
  });

  it('counts contexts, and weighs them equally', () => {
    expect(meanEstimate([[0, 0, 0, 0], [1]])).toMatchObject({ value: 0.5, n: 2 });
    expect(meanEstimate([Float32Array.of(0, 1), [1, 1]])).toMatchObject({ value: 0.75, n: 2 });
    expect(
      ratioEstimate([
        { sum: 0, weight: 4 },
        { sum: 1, weight: 1 },
      ]),
    ).toMatchObject({ value: 0.2, n: 2 });
  });

  it('counts ties as half a win, over all pairs of a context', () => {
    expect(winRate([1, 2, 3], [0, 2, 4]).value).toBe(0.5);
    expect(winRate([[1, 3]], [[2, 3]]).value).toBe(1.5 / 4);
    const [a, b] = [
      [3, 1, 4, 1, 5],
      [2, 7, 1, 8, 2],
    ];
    expect(winRate(a, b).value + winRate(b, a).value).toBeCloseTo(1, 14);
  });

  it('agrees with the normal interval where that is right', () => {
    const random = uniform(15);
    const values = Array.from({ length: 400 }, () => random());
    const mean = values.reduce((s, v) => s + v, 0) / 400;
    const error = 1.96 * Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / 400 / 400);
    const { lo, hi } = meanEstimate(values, { resamples: 10_000 });
    expect(lo).toBeCloseTo(mean - error, 2);
    expect(hi).toBeCloseTo(mean + error, 2);
  });

  it('does not claim certainty from data without spread', () => {
    const allTies = winRate([1, 1, 1, 1], [1, 1, 1, 1]);
    expect(allTies.value).toBe(0.5);
    expect(allTies.lo).toBeLessThan(0.3);
    expect(allTies.hi).toBeGreaterThan(0.7);
    const allWins = winRate(Array(100).fill(1), Array(100).fill(0));
    expect(allWins).toMatchObject({ value: 1, hi: 1, n: 100 });
    expect(allWins.lo).toBeCloseTo(1 - 3 / 100, 2); // the rule of three
    expect(meanEstimate([0.25, 0.25, 0.25])).toMatchObject({ lo: 0.25, hi: 0.25 }); // unbounded values: a point
  });

  it('says nothing from one context', () => {
    expect(meanEstimate([[1, 2, 3]])).toEqual({ value: 2, lo: -Infinity, hi: Infinity, n: 1 });
    expect(winRate([1], [0])).toMatchObject({ value: 1, hi: 1 });
    expect(winRate([1], [0]).lo).toBeCloseTo(0.05, 12);
  });

  it('refuses what has no estimate', () => {
    expect(() => meanEstimate([])).toThrow(/no contexts/);
    expect(() => meanEstimate([[1], []])).toThrow(/context 1 has no samples/);
    expect(() => meanEstimate([1, Number.NaN])).toThrow(/context 1 holds NaN/);
    expect(() => differenceEstimate([1, 2], [1])).toThrow(/2 contexts against 1/);
    expect(() => winRate([1, 2], [1])).toThrow(/2 contexts against 1/);
    expect(() => ratioEstimate([])).toThrow(/no contexts/);
    expect(() => ratioEstimate([{ sum: 0, weight: 0 }])).toThrow(/add up to 0/);
    expect(() => meanEstimate([1, 2], { level: 95 })).toThrow(/level/);
    expect(() => meanEstimate([1, 2], { resamples: 0 })).toThrow(/resamples/);
  });

  it('survives infinite values', () => {
    const estimate = meanEstimate([1, 2, Infinity, 3, 4, 5, 6, 7]);
    expect(estimate.value).toBe(Infinity);
    expect(estimate.hi).toBe(Infinity);
    expect(estimate.lo).not.toBeNaN();
  });

  it('describes its intervals', () => {
    expect(describeInterval({ level: 0.9, method: 'percentile', resamples: 100, seed: 2 })).toBe(
      '90% percentile bootstrap over contexts, 100 resamples, seed 2',
    );
  });
});

describe('normal distribution', () => {
  it.each([
    [0, 0.5],
    [1.959963984540054, 0.975],
    [-1.2815515655446004, 0.1],
    [3.090232306167813, 0.999],
    [-6, 9.865876450376946e-10],
    [-8, 6.220960574271786e-16],
  ])('Φ(%f) = %f and back', (z, p) => {
    expect(normalCdf(z) / p).toBeCloseTo(1, 7);
    expect(normalQuantile(p)).toBeCloseTo(z, 6);
  });
  it('has its ends', () => {
    expect(normalQuantile(0)).toBe(-Infinity);
    expect(normalQuantile(1)).toBe(Infinity);
    expect(normalCdf(-Infinity)).toBe(0);
    expect(normalCdf(Infinity)).toBe(1);
    expect(() => normalQuantile(1.1)).toThrow(/not a probability/);
  });
});
