// From a ranker's score to a probability: P(I=1 | x, c) is what the posterior needs as its likelihood, and a score in (0, 1)
// is that only once held-out outcomes say so. Fitted and judged on different contexts, or the curve flatters.
import { type BootstrapOptions, type Estimate, ratioEstimate } from './estimate.js';

/** P(I=1 | score) = σ(slope · logit(score) + intercept). Slope 1 and intercept 0: the score was calibrated already. */
export interface Calibration {
  slope: number;
  intercept: number;
}

/** Added to the Hessian's diagonal, so that scores that are all the same (whose slope nothing determines) get slope 0. */
const RIDGE = 1e-12;

/**
 * Platt scaling on the logit of the score (Platt 1999), by Newton's method with backtracking (Lin, Lin & Weng 2007). Its
 * targets are (N₊+1)/(N₊+2) and 1/(N₋+2) in place of 1 and 0, as if each class had a little of the other: the optimum is
 * finite on separable data too, and with labels of one class alone the slope is 0.
 *
 * @param scores [n] in (0, 1), exclusive
 * @param labels [n] whether it was good; numbers are 0 or 1
 * @throws RangeError on no scores, different lengths, scores outside (0, 1), or other labels
 */
export function fitCalibration(scores: ArrayLike<number>, labels: ArrayLike<boolean | number>): Calibration {
  const n = scores.length;
  if (n === 0) throw new RangeError('fitCalibration: no scores to fit to');
  if (labels.length !== n) throw new RangeError(`fitCalibration: ${n} scores for ${labels.length} labels`);
  const good = Array.from(labels, (label, i) => outcome(label, `fitCalibration: label ${i}`));
  const positives = good.reduce((sum, label) => sum + label, 0);
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (n - positives + 2);
  const targets = good.map((label) => (label ? high : low));

  // Newton on standardised logits: the two coefficients are then of one size and hardly correlated.
  const logits = Array.from(scores, logit);
  const centre = logits.reduce((sum, z) => sum + z, 0) / n;
  const scale = Math.sqrt(logits.reduce((sum, z) => sum + (z - centre) ** 2, 0) / n) || 1;
  const inputs = logits.map((z) => (z - centre) / scale);
  const loss = (a: number, b: number): number =>
    inputs.reduce((sum, x, i) => sum + softplus(a * x + b) - targets[i]! * (a * x + b), 0);

  let [a, b] = [0, Math.log((positives + 1) / (n - positives + 1))];
  let current = loss(a, b);
  for (let iteration = 0; iteration < 100; iteration++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, RIDGE, 0, RIDGE];
    for (let i = 0; i < n; i++) {
      const x = inputs[i]!;
      const p = sigmoid(a * x + b);
      const curvature = p * (1 - p);
      ga += (p - targets[i]!) * x;
      gb += p - targets[i]!;
      haa += curvature * x * x;
      hab += curvature * x;
      hbb += curvature;
    }
    const determinant = haa * hbb - hab * hab;
    const da = (hbb * ga - hab * gb) / determinant;
    const db = (haa * gb - hab * ga) / determinant;
    const decrease = ga * da + gb * db;
    let step = 1;
    let next = loss(a - da, b - db);
    while (next > current - 1e-4 * step * decrease && step > 1e-10) {
      step /= 2;
      next = loss(a - step * da, b - step * db);
    }
    if (!(next < current)) break; // at the optimum, to the last digits
    [a, b, current] = [a - step * da, b - step * db, next];
  }
  const slope = a / scale;
  return { slope, intercept: b - slope * centre };
}

/** P(I=1) of a score in (0, 1). @throws RangeError on a score outside (0, 1) */
export function calibrate({ slope, intercept }: Calibration, score: number): number {
  return sigmoid(slope * logit(score) + intercept);
}

/** The samples of one context: the probability that each was given, and whether the event happened (1 or 0). */
export interface Forecasts {
  predicted: ArrayLike<number>;
  happened: ArrayLike<number>;
}

/** One bin of a reliability curve: `count` samples that were given about the same probability. */
export interface ReliabilityBin {
  /** Mean predicted probability in the bin. */
  predicted: number;
  /** The share that happened; its `n` counts all contexts, those without a sample in the bin too. */
  observed: Estimate;
  count: number;
}

export interface Reliability {
  /** In ascending order of prediction. */
  bins: ReliabilityBin[];
  /** Mean (predicted − happened)²: 0 is perfect, 0.25 what a constant ½ gets. */
  brier: Estimate;
  /**
   * Expected calibration error Σ (count / samples) |predicted − observed|. Biased upwards: by chance alone a calibrated
   * forecaster gets about √(2 / (π · count)) · ½ in bins near ½. Depends on the bins.
   */
  ece: number;
}

/**
 * Reliability curve over bins of equal counts, and the Brier score; intervals by bootstrap over contexts, with the bins
 * as the data set them. Tied predictions share a bin, so there may be fewer and unequal bins.
 *
 * @param contexts with any number of samples each; a sample counts the same wherever it is
 * @throws RangeError on no samples, different lengths, predictions outside [0, 1], or outcomes other than 0 and 1
 */
export function reliability(
  contexts: readonly Forecasts[],
  bins = 10,
  options: BootstrapOptions = {},
): Reliability {
  if (!(Number.isInteger(bins) && bins >= 1))
    throw new RangeError(`reliability: bins = ${bins} is not a positive whole number`);
  const samples = contexts.flatMap(checkedSamples).sort((left, right) => left.predicted - right.predicted);
  if (samples.length === 0) throw new RangeError('reliability: no samples');

  const estimate = (of: readonly Sample[], value: (sample: Sample) => number): Estimate => {
    const pieces = contexts.map(() => ({ sum: 0, weight: 0 }));
    for (const sample of of) {
      pieces[sample.context]!.sum += value(sample);
      pieces[sample.context]!.weight += 1;
    }
    return ratioEstimate(pieces, { bounds: [0, 1], ...options });
  };
  const curve = equalCounts(samples, bins).map((bin) => ({
    predicted: bin.reduce((sum, { predicted }) => sum + predicted, 0) / bin.length,
    observed: estimate(bin, ({ happened }) => happened),
    count: bin.length,
  }));
  return {
    bins: curve,
    brier: estimate(samples, ({ predicted, happened }) => (predicted - happened) ** 2),
    ece: curve.reduce(
      (sum, { predicted, observed, count }) =>
        sum + (count / samples.length) * Math.abs(predicted - observed.value),
      0,
    ),
  };
}

interface Sample {
  context: number;
  predicted: number;
  happened: number;
}

function checkedSamples({ predicted, happened }: Forecasts, context: number): Sample[] {
  const where = `reliability: context ${context}`;
  if (predicted.length !== happened.length)
    throw new RangeError(`${where} has ${predicted.length} predictions for ${happened.length} outcomes`);
  return Array.from(predicted, (p, i) => {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`${where}: ${p} is not a probability`);
    return { context, predicted: p, happened: outcome(happened[i]!, `${where}, outcome ${i}`) };
  });
}

/** Cuts sorted samples after every 1/bins of them, moved up to the end of a run of equal predictions. */
function equalCounts(sorted: readonly Sample[], bins: number): Sample[][] {
  const cut: Sample[][] = [];
  let from = 0;
  for (let bin = 1; bin <= bins; bin++) {
    let to = Math.round((bin * sorted.length) / bins);
    if (to <= from) continue;
    while (to < sorted.length && sorted[to]!.predicted === sorted[to - 1]!.predicted) to++;
    cut.push(sorted.slice(from, to));
    from = to;
  }
  return cut;
}

function outcome(label: boolean | number, where: string): number {
  const value = Number(label);
  if (value !== 0 && value !== 1) throw new RangeError(`${where} = ${label} is neither 0 nor 1`);
  return value;
}

function logit(score: number): number {
  if (!(score > 0 && score < 1)) throw new RangeError(`calibration: the score ${score} is not in (0, 1)`);
  return Math.log(score) - Math.log1p(-score);
}

function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** log(1 + eˣ), without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
