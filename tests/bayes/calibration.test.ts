import { describe, expect, it } from 'vitest';
import { calibrate, type Forecasts, fitCalibration, reliability } from '../../src/bayes/calibration.js';
import { uniform } from './tiny-model.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const logit = (p: number) => Math.log(p / (1 - p));

describe('Platt scaling', () => {
  it('agrees with LIBSVM (the reference numbers of scikit-learn’s own test, 1/(1 + exp(A f + B)))', () => {
    const { slope, intercept } = fitCalibration([5, -4, 1].map(sigmoid), [true, false, false]);
    expect(slope).toBeCloseTo(0.20261354391187855, 5);
    expect(intercept).toBeCloseTo(-0.65236314980010512, 5);
  });

  it('finds the maximum: the gradient towards the smoothed targets vanishes', () => {
    const random = uniform(61);
    const scores = Array.from({ length: 300 }, () => 0.01 + 0.98 * random());
    const labels = scores.map((s) => random() < s ** 2);
    const fitted = fitCalibration(scores, labels);
    const good = labels.filter(Boolean).length;
    const errors = scores.map(
      (s, i) => calibrate(fitted, s) - (labels[i] ? (good + 1) / (good + 2) : 1 / (300 - good + 2)),
    );
    expect(Math.abs(errors.reduce((sum, e) => sum + e, 0))).toBeLessThan(1e-6);
    expect(Math.abs(errors.reduce((sum, e, i) => sum + e * logit(scores[i]!), 0))).toBeLessThan(1e-6);
  });

  it('recovers the truth from many outcomes, and leaves a calibrated score alone', () => {
    const random = uniform(62);
    for (const truth of [
      { slope: 0.4, intercept: 1.2 },
      { slope: 1, intercept: 0 },
      { slope: -0.7, intercept: 0.3 },
    ]) {
      const scores = Array.from({ length: 40_000 }, () => sigmoid(6 * random() - 3));
      const labels = scores.map((s) => (random() < calibrate(truth, s) ? 1 : 0));
      const fitted = fitCalibration(scores, labels);
      expect(Math.abs(fitted.slope - truth.slope)).toBeLessThan(0.03); // 4 standard errors and more
      expect(Math.abs(fitted.intercept - truth.intercept)).toBeLessThan(0.06);
    }
  });

  it('stays finite on separable data, and rises from below ½ to above it', () => {
    const scores = [0.1, 0.2, 0.3, 0.7, 0.8, 0.9];
    const fitted = fitCalibration(scores, [0, 0, 0, 1, 1, 1]);
    expect(fitted.slope).toBeGreaterThan(0);
    expect(fitted.slope).toBeLessThan(10);
    expect(calibrate(fitted, 0.3)).toBeLessThan(0.5);
    expect(calibrate(fitted, 0.7)).toBeGreaterThan(0.5);
  });

  it('says the base rate where scores or labels tell nothing', () => {
    const same = fitCalibration([0.9, 0.9, 0.9, 0.9], [1, 0, 0, 0]);
    expect(same.slope).toBeCloseTo(0, 9);
    // Targets 2/3, and three times 1/5: their mean, 19/60.
    expect(calibrate(same, 0.9)).toBeCloseTo(19 / 60, 9);
    const allGood = fitCalibration([0.2, 0.5, 0.9], [1, 1, 1]);
    expect(allGood.slope).toBeCloseTo(0, 9);
    expect(calibrate(allGood, 0.5)).toBeCloseTo(4 / 5, 9);
  });

  it('converges from far-off scores', () => {
    const scores = [1e-300, 1e-12, 0.5, 1 - 1e-15, 1 - 1e-16, 1e-5];
    const fitted = fitCalibration(scores, [0, 0, 1, 1, 0, 1]);
    expect(Number.isFinite(fitted.slope) && Number.isFinite(fitted.intercept)).toBe(true);
    for (const s of scores) expect(calibrate(fitted, s)).toBeGreaterThan(0);
  });

  it('refuses nonsense', () => {
    expect(() => fitCalibration([], [])).toThrow(/no scores/);
    expect(() => fitCalibration([0.5], [1, 0])).toThrow(/1 scores for 2 labels/);
    expect(() => fitCalibration([0.5], [2])).toThrow(/label 0 = 2 is neither 0 nor 1/);
    for (const score of [0, 1, 1.2, Number.NaN]) {
      expect(() => fitCalibration([score], [1])).toThrow(/not in \(0, 1\)/);
      expect(() => calibrate({ slope: 1, intercept: 0 }, score)).toThrow(/not in \(0, 1\)/);
    }
  });
});

describe('reliability', () => {
  it('by hand', () => {
    // Sorted: 0.1 0.2 | 0.6 0.8, outcomes 0 1 | 1 1.
    const { bins, brier, ece } = reliability(
      [
        { predicted: [0.6, 0.1], happened: [1, 0] },
        { predicted: [0.2, 0.8], happened: [1, 1] },
      ],
      2,
    );
    expect(bins.map(({ predicted }) => predicted)).toEqual([0.15, 0.7].map((v) => expect.closeTo(v, 12)));
    expect(bins.map(({ observed }) => observed.value)).toEqual([0.5, 1]);
    expect(bins.map(({ count }) => count)).toEqual([2, 2]);
    expect(bins[0]!.observed).toMatchObject({ lo: 0, hi: 1, n: 2 });
    // (0.16 + 0.01 + 0.64 + 0.04) / 4
    expect(brier.value).toBeCloseTo(0.2125, 12);
    // ½ · 0.35 + ½ · 0.3
    expect(ece).toBeCloseTo(0.325, 12);
  });

  it('cuts bins of equal counts, and never between ties', () => {
    const of = (predicted: number[], bins: number) =>
      reliability([{ predicted, happened: predicted.map(() => 1) }], bins).bins.map(({ count }) => count);
    expect(of([0.9, 0.1, 0.5, 0.3, 0.7, 0.2], 3)).toEqual([2, 2, 2]);
    expect(of([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], 3)).toEqual([2, 3, 2]);
    expect(of([0.1, 0.5, 0.5, 0.5, 0.5, 0.9], 3)).toEqual([5, 1]);
    expect(of([0.5, 0.5, 0.5], 10)).toEqual([3]);
    expect(of([0.1, 0.2], 10)).toEqual([1, 1]);
  });

  /** Contexts whose samples share a probability, as samples of one prompt do. */
  function forecasts(random: () => number, distort: (p: number) => number): Forecasts[] {
    return Array.from({ length: 80 }, () => {
      const p = 0.1 + 0.8 * random();
      return {
        predicted: Array.from({ length: 4 }, () => distort(p)),
        happened: Array.from({ length: 4 }, () => (random() < p ? 1 : 0)),
      };
    });
  }

  it('holds the prediction of a calibrated forecaster in its intervals, not that of an overconfident one', () => {
    const held = (distort: (p: number) => number) => {
      const random = uniform(63);
      let [inside, all] = [0, 0];
      for (let run = 0; run < 60; run++)
        for (const { predicted, observed } of reliability(forecasts(random, distort), 4, {
          seed: run,
          resamples: 300,
        }).bins) {
          all++;
          if (observed.lo <= predicted && predicted <= observed.hi) inside++;
        }
      return inside / all;
    };
    expect(held((p) => p)).toBeGreaterThan(0.9);
    expect(held((p) => p)).toBeLessThan(0.995);
    expect(held((p) => sigmoid(3 * logit(p)))).toBeLessThan(0.6);
  });

  it('improves by calibration on other contexts', () => {
    const random = uniform(64);
    const distort = (p: number) => sigmoid(3 * logit(p) + 1);
    const [train, test] = [forecasts(random, distort), forecasts(random, distort)];
    const fitted = fitCalibration(
      train.flatMap(({ predicted }) => Array.from(predicted)),
      train.flatMap(({ happened }) => Array.from(happened)),
    );
    const [before, after] = [
      reliability(test),
      reliability(
        test.map((of) => ({ ...of, predicted: Array.from(of.predicted, (p) => calibrate(fitted, p)) })),
      ),
    ];
    expect(after.brier.value).toBeLessThan(before.brier.value);
    expect(after.ece).toBeLessThan(before.ece / 2);
  });

  it('refuses nonsense', () => {
    expect(() => reliability([])).toThrow(/no samples/);
    expect(() => reliability([{ predicted: [], happened: [] }])).toThrow(/no samples/);
    expect(() => reliability([{ predicted: [0.5], happened: [] }])).toThrow(/context 0 has 1 predictions/);
    expect(() => reliability([{ predicted: [1.5], happened: [1] }])).toThrow(/1.5 is not a probability/);
    expect(() => reliability([{ predicted: [0.5], happened: [0.5] }])).toThrow(/outcome 0 = 0.5 is neither/);
    expect(() => reliability([{ predicted: [0.5], happened: [1] }], 0)).toThrow(/bins = 0/);
  });
});
