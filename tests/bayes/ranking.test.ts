import { describe, expect, it } from 'vitest';
import { bestOfNKl, bestOfNKlBound, bestOfNKlToBase, expectedBestOfN } from '../../src/bayes/best-of-n.js';
import { resampledInterval } from '../../src/bayes/bootstrap.js';
import { pairAccuracy, pairPieces, pooledAuc } from '../../src/bayes/pairs.js';
import { passAtK } from '../../src/bayes/pass-at-k.js';
import { uniform } from './tiny-model.js';

/** All k-subsets of 0..n-1. */
function subsets(n: number, k: number, from = 0): number[][] {
  if (k === 0) return [[]];
  const found: number[][] = [];
  for (let i = from; i <= n - k; i++) for (const rest of subsets(n, k - 1, i + 1)) found.push([i, ...rest]);
  return found;
}
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe('best of n', () => {
  it('has the published bounds', () => {
    expect(bestOfNKlBound(1)).toBe(0);
    expect(bestOfNKlBound(5)).toBeCloseTo(0.809, 3);
    expect(bestOfNKlBound(16)).toBeCloseTo(1.835, 3);
    expect(bestOfNKlBound(64)).toBeCloseTo(3.175, 3);
  });

  it('bounds the KL of best-of-n by enumeration, and meets it only without ties', () => {
    // Best of n of m equally likely values: P(max = i) = (i/m)^n − ((i−1)/m)^n.
    const kl = (m: number, n: number) =>
      Array.from({ length: m }, (_, i) => ((i + 1) / m) ** n - (i / m) ** n).reduce(
        (sum, prob) => sum + (prob > 0 ? prob * Math.log(prob * m) : 0),
        0,
      );
    for (const n of [2, 5, 16]) {
      expect(kl(10, n)).toBeLessThan(bestOfNKlBound(n));
      expect(kl(100_000, n)).toBeCloseTo(bestOfNKlBound(n), 3);
    }
  });

  const ranker = [0.3, 0.9, 0.3, 0.1, 0.9, 0.5];
  const oracle = [1, 2, 4, 8, 16, 32];
  it.each([1, 2, 3, 4, 5, 6])('expected pick of %i is the mean over all subsets, ties shared', (n) => {
    const exact = mean(
      subsets(6, n).map((subset) => {
        const best = Math.max(...subset.map((i) => ranker[i]!));
        return mean(subset.filter((i) => ranker[i] === best).map((i) => oracle[i]!));
      }),
    );
    expect(expectedBestOfN(ranker, oracle, n)).toBeCloseTo(exact, 12);
  });

  it('expected maximum, and a ranker that knows nothing', () => {
    expect(expectedBestOfN([1, 2, 3], [1, 2, 3], 3)).toBe(3);
    expect(expectedBestOfN([0, 0, 0], [1, 2, 6], 2)).toBeCloseTo(3, 12);
  });

  it('refuses nonsense', () => {
    expect(() => bestOfNKlBound(0)).toThrow(/whole number/);
    expect(() => expectedBestOfN([1], [1], 2)).toThrow(/needs 2 samples/);
    expect(() => expectedBestOfN([1], [1, 2], 1)).toThrow(/ranker scores/);
    expect(() => expectedBestOfN([Number.NaN], [1], 1)).toThrow(/NaN/);
    expect(() => expectedBestOfN([], [], 1)).toThrow(/needs 1 samples/);
  });
});

describe('measured KL of best-of-n', () => {
  it('by hand', () => {
    // Ranks of 4 samples: one worst, two tied, one best. Best of 2: P = 1/16, 9/16 − 1/16 = 8/16, 7/16, against 1/4, 1/2,
    // 1/4: KL = 1/16 log(1/4) + 1/2 log 1 + 7/16 log(7/4).
    const exact = -Math.log(4) / 16 + (7 / 16) * Math.log(7 / 4);
    expect(bestOfNKl([2, 1, 3, 2], 2)).toBeCloseTo(exact, 14);
    expect(exact).toBeCloseTo(0.1582, 4);
    expect(exact).toBeLessThan(bestOfNKlBound(2));
  });

  it('is the KL over the samples themselves, by enumeration of all draws', () => {
    // All 5³ ways to draw 3 of 5 samples with replacement; tied winners share.
    const rewards = [0.5, 0.1, 0.5, 0.9, 0.1];
    const chance = new Array<number>(5).fill(0);
    for (let code = 0; code < 125; code++) {
      const drawn = [code % 5, Math.floor(code / 5) % 5, Math.floor(code / 25)];
      const best = Math.max(...drawn.map((i) => rewards[i]!));
      const winners = drawn.filter((i) => rewards[i] === best);
      for (const i of winners) chance[i]! += 1 / (125 * winners.length);
    }
    const kl = chance.reduce((sum, p) => sum + p * Math.log(5 * p), 0);
    expect(bestOfNKl(rewards, 3)).toBeCloseTo(kl, 12);
  });

  it('never passes the bound, and is 0 for n = 1 and for a reward that ties all', () => {
    const random = uniform(41);
    for (let run = 0; run < 200; run++) {
      const levels = 1 + Math.floor(random() * 30);
      const rewards = Array.from({ length: 1 + Math.floor(random() * 40) }, () =>
        Math.floor(random() * levels),
      );
      const n = 1 + Math.floor(random() * 64);
      expect(bestOfNKl(rewards, n)).toBeLessThanOrEqual(bestOfNKlBound(n) + 1e-12);
      expect(bestOfNKl(rewards, n)).toBeGreaterThanOrEqual(-1e-12);
      expect(bestOfNKl(rewards, 1)).toBeCloseTo(0, 12);
      expect(bestOfNKl(rewards.fill(0.5), n)).toBeCloseTo(0, 12);
    }
  });

  it('lies below the bound without ties by what is documented, and saturates for n > M', () => {
    for (const [n, m] of [
      [4, 64],
      [16, 256],
      [64, 1024],
    ] as const) {
      const gap =
        bestOfNKlBound(n) -
        bestOfNKl(
          Array.from({ length: m }, (_, i) => i),
          n,
        );
      expect(gap / ((n * (n - 1) ** 2) / (24 * (n - 2) * m * m))).toBeCloseTo(1, 1);
    }
    expect(bestOfNKl([1, 2, 3, 3], 10_000)).toBeCloseTo(Math.log(4 / 2), 12);
  });

  it('adds the model’s own distance from the base', () => {
    // By hand, n = 2 of [1, 2] drawn from a model: P(worse) = 1/4, P(better) = 3/4 in the KL to the model; the pick of both
    // without replacement is the better one, whose log-ratio is 0.7.
    const toModel = 0.25 * Math.log(0.5) + 0.75 * Math.log(1.5);
    expect(bestOfNKlToBase([1, 2], [-1, -1], [-1.2, -1.7], 2)).toBeCloseTo(toModel + 0.7, 12);
    expect(bestOfNKlToBase([1, 2], [-1, -1], [-1.2, -1.7], 1)).toBeCloseTo((0.2 + 0.7) / 2, 12);
    expect(bestOfNKlToBase([1, 1], [-1, -1], [-1, -Infinity], 1)).toBe(Infinity);
  });

  it('refuses nonsense', () => {
    expect(() => bestOfNKl([], 2)).toThrow(/no samples/);
    expect(() => bestOfNKl([1, Number.NaN], 2)).toThrow(/NaN/);
    expect(() => bestOfNKl([1], 1.5)).toThrow(/whole number/);
    expect(() => bestOfNKlToBase([1], [1], [1, 2], 1)).toThrow(/1 logModel for 2 logBase/);
    expect(() => bestOfNKlToBase([1], [-Infinity], [-Infinity], 1)).toThrow(/NaN/);
    expect(() => bestOfNKlToBase([1, 2], [0], [0], 1)).toThrow(/2 ranker scores for 1 values/);
  });
});

describe('pass@k', () => {
  it('is the share of k-subsets with a pass, by enumeration', () => {
    for (const n of [1, 4, 7])
      for (let c = 0; c <= n; c++)
        for (let k = 1; k <= n; k++) {
          const share = mean(subsets(n, k).map((subset) => (subset.some((i) => i < c) ? 1 : 0)));
          expect(passAtK(n, c, k)).toBeCloseTo(share, 12);
        }
  });
  it('does not overflow', () => {
    expect(passAtK(100_000, 1, 1)).toBeCloseTo(1e-5, 12);
    expect(passAtK(2000, 1000, 1000)).toBe(1);
  });
  it('refuses nonsense', () => {
    for (const [n, c, k] of [
      [5, 6, 1],
      [5, -1, 1],
      [5, 1, 6],
      [5, 1, 0],
      [5, 1.5, 1],
    ] as const)
      expect(() => passAtK(n, c, k)).toThrow(/needs 0 ≤ c ≤ n/);
  });
});

describe('pair accuracy', () => {
  it('counts pairs the oracle tells apart, the ranker’s ties as half', () => {
    expect(
      pairPieces([
        { ranker: [1, 2, 3], oracle: [1, 2, 3] },
        { ranker: [3, 2, 1], oracle: [1, 2, 2] },
        { ranker: [5, 5], oracle: [0, 1] },
        { ranker: [1, 2], oracle: [7, 7] },
      ]),
    ).toEqual([
      { sum: 3, weight: 3 },
      { sum: 0, weight: 2 },
      { sum: 0.5, weight: 1 },
      { sum: 0, weight: 0 },
    ]);
  });

  it('gives an estimate over contexts', () => {
    const estimate = pairAccuracy([
      { ranker: [1, 2, 3], oracle: [1, 2, 3] },
      { ranker: [3, 2, 1], oracle: [1, 2, 3] },
    ]);
    expect(estimate).toMatchObject({ value: 0.5, n: 2 });
    expect(estimate.lo).toBe(0);
    expect(estimate.hi).toBe(1);
  });

  it('is at chance where the pooled number shines: a ranker that knows the context only', () => {
    const random = uniform(31);
    const contexts = Array.from({ length: 80 }, () => {
      const level = random() < 0.5 ? 0 : 1;
      const oracle = Array.from({ length: 5 }, () => (random() < (level ? 0.9 : 0.1) ? 1 : 0));
      return { ranker: oracle.map(() => level + 0.1 * random()), oracle };
    });
    const within = pairAccuracy(contexts);
    expect(within.lo).toBeLessThan(0.5);
    expect(within.hi).toBeGreaterThan(0.5);
    expect(pooledAuc(contexts).lo).toBeGreaterThan(0.75);
  });

  it('pooled: the area under the ROC curve by brute force', () => {
    const contexts = [
      { ranker: [0.1, 0.4, 0.4], oracle: [0, 1, 0] },
      { ranker: [0.8, 0.4], oracle: [1, 1] },
      { ranker: [0.9, 0.2, 0.5], oracle: [0, 0, 1] },
    ];
    const flat = contexts.flatMap(({ ranker, oracle }) => ranker.map((r, i) => [r, oracle[i]!] as const));
    const wins = flat
      .filter(([, label]) => label === 1)
      .flatMap(([up]) =>
        flat.filter(([, label]) => label === 0).map(([down]) => (up > down ? 1 : up === down ? 0.5 : 0)),
      );
    expect(pooledAuc(contexts).value).toBeCloseTo(mean(wins), 12);
    expect(pooledAuc(contexts).n).toBe(3);
  });

  it('pooled: its interval holds the truth about 95% of the time', () => {
    const random = uniform(32);
    let covered = 0;
    // Labels are fair coins; scores are uniform, plus 1/2 for good ones: P(up > down) = 1 − 1/8.
    for (let run = 0; run < 200; run++) {
      const contexts = Array.from({ length: 40 }, () => {
        const oracle = Array.from({ length: 4 }, () => (random() < 0.5 ? 1 : 0));
        return { oracle, ranker: oracle.map((label) => random() + label / 2) };
      });
      const { lo, hi } = pooledAuc(contexts, { seed: run, resamples: 400 });
      if (lo <= 7 / 8 && 7 / 8 <= hi) covered++;
    }
    expect(covered).toBeGreaterThan(180);
    expect(covered).toBeLessThan(200);
  });

  it('no interval of a share reaches below 0 or above 1, where the projection of a resample does', () => {
    const random = uniform(7);
    let atTheEdge = 0;
    for (let run = 0; run < 60; run++) {
      // Few contexts of which one has nearly all pairs, in order or out of order.
      const contexts = [1, 1, 6].map((n) => {
        const oracle = Array.from({ length: n }, (_, i) => (n === 1 ? Math.round(random()) : i % 2));
        return { oracle, ranker: oracle.map((label) => (run % 2 ? label : -label) + 1.1 * random()) };
      });
      for (const { value, lo, hi } of [pooledAuc(contexts, { seed: run }), pairAccuracy(contexts)]) {
        expect(lo).toBeGreaterThanOrEqual(0);
        expect(hi).toBeLessThanOrEqual(1);
        expect(lo <= value && value <= hi).toBe(true);
      }
      const { lo, hi } = pooledAuc(contexts, { seed: run, bounds: [-10, 10] });
      if (lo < 0 || hi > 1) atTheEdge++;
    }
    expect(atTheEdge).toBeGreaterThan(5);
  });

  it('and is cut at both ends', () => {
    // Evenly from −0.5 to 1.5: its middle 95 % are wider than what a share can be.
    const drawn = () => Array.from({ length: 999 }, (_, i) => -0.5 + (2 * i) / 998);
    const interval = (bounds?: [number, number]) =>
      resampledInterval(0.5, drawn(), () => [], 10, { method: 'percentile', ...(bounds && { bounds }) });
    expect(interval([0, 1])).toEqual({ value: 0.5, lo: 0, hi: 1, n: 10 });
    expect(interval().lo).toBeLessThan(-0.4);
    expect(interval().hi).toBeGreaterThan(1.4);
  });

  it('refuses nonsense', () => {
    expect(() => pairAccuracy([])).toThrow(/in none of 0 contexts/);
    expect(() => pairAccuracy([{ ranker: [1, 2], oracle: [1, 1] }])).toThrow(/in none of 1 contexts/);
    expect(() => pooledAuc([{ ranker: [1, 2], oracle: [1, 1] }])).toThrow(/no two samples/);
    expect(() => pairPieces([{ ranker: [1], oracle: [1, 2] }])).toThrow(/context 0 has 1 ranker/);
    expect(() => pairPieces([{ ranker: [Number.NaN], oracle: [1] }])).toThrow(/NaN/);
  });
});
