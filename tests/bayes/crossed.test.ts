import { describe, expect, it } from 'vitest';
import { crossedDifference, crossedEstimate, crossedWinRate } from '../../src/bayes/crossed.js';
import { describeInterval, differenceEstimate, meanEstimate, winRate } from '../../src/bayes/estimate.js';
import { normalQuantile } from '../../src/bayes/normal.js';
import { uniform } from './tiny-model.js';

const normal = (random: () => number) => normalQuantile(0.5 + 0.999999 * (random() - 0.5));

/** A table [seed][context] of effects that add up: of seeds, of contexts, and noise, with these spreads. */
function table(random: () => number, seeds: number, contexts: number, spread: [number, number, number]) {
  const ofContext = Array.from({ length: contexts }, () => spread[1] * normal(random));
  return Array.from({ length: seeds }, () => {
    const ofSeed = spread[0] * normal(random);
    return ofContext.map((effect) => 1 + ofSeed + effect + spread[2] * normal(random));
  });
}

function coverage(runs: number, truth: number, interval: (run: number) => { lo: number; hi: number }) {
  let held = 0;
  for (let run = 0; run < runs; run++) {
    const { lo, hi } = interval(run);
    if (lo <= truth && truth <= hi) held++;
  }
  return held / runs;
}

describe('seeds crossed with contexts', () => {
  it('is the mean of all cells, beside each seed’s', () => {
    const estimate = crossedEstimate([
      [1, 2, 6],
      [3, 4, 8],
    ]);
    expect(estimate).toMatchObject({ value: 4, n: 3, perSeed: [3, 5] });
    expect(estimate.lo).toBeGreaterThanOrEqual(1);
    expect(estimate.hi).toBeLessThanOrEqual(8);
    expect(estimate.lo).toBeLessThan(4);
    expect(estimate.hi).toBeGreaterThan(4);
  });

  it('averages several samples of a cell first', () => {
    expect(
      crossedEstimate([
        [[1, 3], [2]],
        [4, [4, 6, 8]],
      ]),
    ).toMatchObject({ value: 3.5, perSeed: [2, 5] });
  });

  it('with one seed is the bootstrap over contexts', () => {
    const row = table(uniform(81), 1, 40, [0, 1, 0])[0]!;
    expect(crossedEstimate([row], { seed: 5 })).toEqual({
      ...meanEstimate(row, { seed: 5 }),
      perSeed: [crossedEstimate([row]).value],
    });
    const other = row.map((v, i) => v + (i % 3));
    expect(crossedDifference([row], [other], { seed: 5 })).toMatchObject(
      differenceEstimate(row, other, { seed: 5 }),
    );
  });

  it('has the variance of the pigeonhole bootstrap', () => {
    // Seeds alone vary, by 0 and 2: a resample's mean is 0, 1 or 2 with chances ¼, ½, ¼, so a 40% interval is the point 1,
    // and a 60% one reaches both ends.
    const values = [new Array<number>(9).fill(0), new Array<number>(9).fill(2)];
    expect(crossedEstimate(values, { method: 'percentile', level: 0.4 })).toMatchObject({ lo: 1, hi: 1 });
    expect(crossedEstimate(values, { method: 'percentile', level: 0.6 })).toMatchObject({ lo: 0, hi: 2 });
  });

  it('holds the mean about 95% of the time, where ignoring the seeds does not', () => {
    const runs = 200;
    const spread: [number, number, number] = [0.3, 1, 0.5];
    const both = uniform(82);
    const crossed = coverage(runs, 1, (seed) =>
      crossedEstimate(table(both, 8, 60, spread), { seed, resamples: 300 }),
    );
    const contextsAlone = uniform(82);
    const ignoring = coverage(runs, 1, (seed) => {
      const rows = table(contextsAlone, 8, 60, [1, 0.3, 0.5]);
      return meanEstimate(
        rows[0]!.map((_, c) => rows.map((row) => row[c]!)),
        { seed, resamples: 300 },
      );
    });
    expect(crossed).toBeGreaterThan(0.9);
    expect(crossed).toBeLessThan(0.99);
    expect(ignoring).toBeLessThan(0.5);
  });

  it('with three seeds that are all that varies holds it far less often, as documented', () => {
    const random = uniform(83);
    const held = coverage(200, 1, (seed) =>
      crossedEstimate(table(random, 3, 20, [1, 0, 0.1]), { seed, resamples: 300 }),
    );
    expect(held).toBeGreaterThan(0.55);
    expect(held).toBeLessThan(0.82);
  });

  it('corrects for skew: BCa is not the percentile interval', () => {
    const random = uniform(84);
    const values = table(random, 4, 30, [0.1, 1, 0.1]).map((row) => row.map((v) => Math.exp(v)));
    const [bca, plain] = [crossedEstimate(values), crossedEstimate(values, { method: 'percentile' })];
    expect(bca.hi).toBeGreaterThan(plain.hi);
    expect(bca.lo).toBeGreaterThan(plain.lo);
  });

  it('knows nothing of other contexts from one, nor of more than bounds from equal ones', () => {
    expect(crossedEstimate([[1], [2]])).toMatchObject({ value: 1.5, lo: -Infinity, hi: Infinity });
    const { lo, hi } = crossedEstimate([new Array<number>(30).fill(1), new Array<number>(30).fill(1)], {
      bounds: [0, 1],
    });
    expect(lo).toBeCloseTo(0.05 ** (1 / 30), 12);
    expect(hi).toBe(1);
  });
});

describe('paired differences over seeds and contexts', () => {
  it('cancels what both sides share, and is narrower than either', () => {
    const random = uniform(85);
    const base = table(random, 3, 50, [1, 1, 0]);
    const better = base.map((row) => row.map((v) => v + 0.2 + 0.1 * normal(random)));
    const difference = crossedDifference(better, base);
    expect(Math.abs(difference.value - 0.2)).toBeLessThan(0.05);
    expect(difference.perSeed).toHaveLength(3);
    expect(difference.lo).toBeGreaterThan(0.1);
    const alone = crossedEstimate(better);
    expect(difference.hi - difference.lo).toBeLessThan((alone.hi - alone.lo) / 5);
  });

  it('win rates, ties as half', () => {
    const [a, b] = [
      [
        [1, 2, 3],
        [1, 2, 2],
      ],
      [
        [1, 1, 4],
        [0, 2, 1],
      ],
    ];
    // ½ 1 0 and 1 ½ 1
    expect(crossedWinRate(a!, b!)).toMatchObject({
      value: expect.closeTo(4 / 6, 12),
      perSeed: [0.5, expect.closeTo(2.5 / 3, 12)],
    });
    expect(crossedWinRate([a![0]!], [b![0]!])).toMatchObject(winRate(a![0]!, b![0]!));
    // All won: an interval by the bounds, no point.
    expect(
      crossedWinRate(
        [
          [1, 1],
          [1, 1],
        ],
        [
          [0, 0],
          [0, 0],
        ],
      ).lo,
    ).toBeLessThan(1);
  });
});

it('says what was resampled', () => {
  expect(describeInterval({ seed: 2 }, 'seeds and contexts')).toBe(
    '95% BCa bootstrap over seeds and contexts, 2000 resamples, seed 2',
  );
});

it('refuses nonsense', () => {
  expect(() => crossedEstimate([])).toThrow(/no seeds/);
  expect(() => crossedEstimate([[], []])).toThrow(/seed 0: no contexts/);
  expect(() => crossedEstimate([[1, 2], [1]])).toThrow(/seed 1 has 1 contexts, seed 0 has 2/);
  expect(() => crossedEstimate([[1], [Number.NaN]])).toThrow(/seed 1: context 0 holds NaN/);
  expect(() =>
    crossedEstimate(
      [
        [1, 2],
        [1, 3],
      ],
      { resamples: 0 },
    ),
  ).toThrow(/resamples = 0/);
  expect(() =>
    crossedEstimate(
      [
        [1, 2],
        [1, 3],
      ],
      { level: 1 },
    ),
  ).toThrow(/level = 1/);
  expect(() => crossedDifference([[1]], [[1], [2]])).toThrow(/1 seeds against 2/);
  expect(() => crossedDifference([[1]], [[1, 2]])).toThrow(/seed 0: 1 contexts against 2/);
  expect(() => crossedWinRate([[1]], [[1], [2]])).toThrow(/1 seeds against 2/);
});
