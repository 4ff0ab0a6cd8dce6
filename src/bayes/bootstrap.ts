// Seeded bootstrap over contexts. A context is the independent unit of every measure here: several samples of one
// context share its difficulty, so they are resampled together (cluster bootstrap). A resample is handed to the
// statistic as multiplicities, "context i was drawn w[i] times", which lets paired measures share their draws.
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { normalCdf, normalQuantile } from './normal.js';

/** A number with its interval. `n` counts contexts, the independent units, not samples. */
export interface Estimate {
  value: number;
  /** Lower end of the interval; -Infinity where the data cannot say (one context, no bounds). */
  lo: number;
  /** Upper end of the interval; Infinity where the data cannot say. */
  hi: number;
  n: number;
}

export interface BootstrapOptions {
  /** Number of resamples; 2000 by default. */
  resamples?: number;
  /** Two-sided confidence level; 0.95 by default. */
  level?: number;
  seed?: number;
  /**
   * `bca` (default) corrects the percentile interval for bias and skew (Efron 1987), which long-tailed log-ratios
   * need; `percentile` is the plain one. Either is too short with few contexts: on exponential data 95% BCa intervals
   * held the mean in 90.5% of 3000 runs at n = 20, 93.4% at 50, 94.4% at 200 (percentile 89.4, 93.1, 94.7).
   */
  method?: 'bca' | 'percentile';
  /**
   * The smallest and largest value that one context can contribute, and so that the truth can have: no interval reaches
   * beyond. With it, data that are all the same still get an interval: see {@link degenerateInterval}. Without it, all-equal
   * data get a point.
   */
  bounds?: readonly [number, number];
}

const defaults = { resamples: 2000, level: 0.95, seed: 1, method: 'bca' } as const;

/**
 * The interval in words, for a report: "95% BCa bootstrap over contexts, 2000 resamples, seed 1".
 * @param over what is resampled: `seeds and contexts` for the estimates of crossed.ts
 */
export function describeInterval(options: BootstrapOptions = {}, over = 'contexts'): string {
  const { resamples, level, seed, method } = { ...defaults, ...options };
  const name = method === 'bca' ? 'BCa' : 'percentile';
  return `${Number((100 * level).toFixed(2))}% ${name} bootstrap over ${over}, ${resamples} resamples, seed ${seed}`;
}

/** The options with their defaults. @throws RangeError on bad ones */
export function bootstrapSettings(options: BootstrapOptions): Required<Omit<BootstrapOptions, 'bounds'>> {
  const settings = { ...defaults, ...options };
  const { resamples, level } = settings;
  if (!(Number.isInteger(resamples) && resamples >= 1))
    throw new RangeError(`bootstrap: resamples = ${resamples} is not a positive whole number`);
  if (!(level > 0 && level < 1)) throw new RangeError(`bootstrap: level = ${level} is not between 0 and 1`);
  return settings;
}

/**
 * The statistic on all contexts, and its bootstrap interval.
 *
 * @param n number of contexts
 * @param statistic of the contexts' multiplicities w [n], Σw = n; may return NaN on a resample that leaves it
 *   undefined (a ratio whose denominator vanished): such resamples are left out of the interval
 * @throws RangeError on no contexts, on bad options, and where the statistic is NaN on the data themselves
 */
export function bootstrap(
  n: number,
  statistic: (weights: Int32Array) => number,
  options: BootstrapOptions = {},
): Estimate {
  if (n < 1) throw new RangeError('bootstrap: no contexts to estimate from');
  const { resamples, seed } = bootstrapSettings(options);

  const weights = new Int32Array(n).fill(1);
  const value = statistic(weights);
  if (Number.isNaN(value))
    throw new RangeError(`bootstrap: the statistic is undefined on these ${n} contexts`);

  const random = xoroshiro128plus(seed);
  const drawn: number[] = [];
  for (let b = 0; n > 1 && b < resamples; b++) {
    weights.fill(0);
    for (let i = 0; i < n; i++) weights[uniformInt(random, 0, n - 1)]!++;
    const v = statistic(weights);
    if (!Number.isNaN(v)) drawn.push(v);
  }
  return resampledInterval(value, drawn, () => jackknife(n, statistic), n, options);
}

/**
 * The interval around a value that resampling gave.
 *
 * @param drawn the statistic on each resample, in any order; sorted in place
 * @param influence each resampled unit's pull on the value, in any one unit: its skewness is the acceleration of BCa
 * @param n number of contexts
 */
export function resampledInterval(
  value: number,
  drawn: number[],
  influence: () => readonly number[],
  n: number,
  options: BootstrapOptions,
): Estimate {
  const { level, method } = bootstrapSettings(options);
  drawn.sort((a, b) => a - b);
  // A spread of rounding errors is no spread: sums of equal numbers in another order differ in the last bits.
  const spread = drawn.length === 0 ? 0 : drawn.at(-1)! - drawn[0]!;
  if (n === 1 || drawn.length === 0 || spread <= 1e-12 * Math.abs(value))
    return { value, ...within(degenerateInterval(value, n, level, options.bounds), options), n };

  let [low, high] = [(1 - level) / 2, (1 + level) / 2];
  if (method === 'bca') {
    const adjust = bcaAdjustment(value, drawn, influence());
    if (adjust) [low, high] = [adjust(low), adjust(high)];
  }
  return { value, ...within({ lo: quantile(drawn, low), hi: quantile(drawn, high) }, options), n };
}

/**
 * The part of an interval in which the truth can lie, where that is known: as the truth is not elsewhere, it is held as often. Resamples
 * can lie outside where the statistic is a projection (pairs.ts), and by rounding.
 */
function within({ lo, hi }: { lo: number; hi: number }, { bounds }: BootstrapOptions) {
  if (!bounds) return { lo, hi };
  const cut = (end: number) => Math.min(Math.max(end, bounds[0]), bounds[1]);
  return { lo: cut(lo), hi: cut(hi) };
}

/**
 * The interval where all contexts gave one and the same value, so that resampling them shows no spread. If values lie
 * in [b0, b1], then with confidence `level` a new context differs from v with a probability of at most
 * u = 1 − (1 − level)^(1/n) (the "rule of three": u ≈ 3/n), hence the mean lies in [v − u (v − b0), v + u (b1 − v)].
 * Without bounds nothing can be said: a point, or everything where n = 1.
 */
function degenerateInterval(
  value: number,
  n: number,
  level: number,
  bounds: readonly [number, number] | undefined,
): { lo: number; hi: number } {
  if (bounds) {
    const u = 1 - (1 - level) ** (1 / n);
    return { lo: value - u * (value - bounds[0]), hi: value + u * (bounds[1] - value) };
  }
  return n === 1 ? { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY } : { lo: value, hi: value };
}

/** How much lower (or higher) the statistic is without each context, from the mean over contexts. */
function jackknife(n: number, statistic: (weights: Int32Array) => number): number[] {
  const weights = new Int32Array(n).fill(1);
  const left: number[] = [];
  for (let i = 0; i < n; i++) {
    weights[i] = 0;
    left.push(statistic(weights));
    weights[i] = 1;
  }
  const mean = left.reduce((sum, v) => sum + v, 0) / n;
  return left.map((v) => mean - v);
}

/**
 * How BCa moves a percentile's level: bias z0 from the share of resamples below the value, acceleration from the
 * skewness of the influences. Undefined where either cannot be had (then the plain percentile stands).
 * Efron & Tibshirani (1993), section 14.3.
 */
function bcaAdjustment(
  value: number,
  drawn: readonly number[],
  influence: readonly number[],
): ((level: number) => number) | undefined {
  let below = 0;
  // Values that only rounding tells apart are tied: sums of the same numbers in another order differ in their last bits.
  const tied = 1e-12 * Math.max(Math.abs(drawn[0]!), Math.abs(drawn.at(-1)!));
  for (const v of drawn) below += Math.abs(v - value) <= tied ? 0.5 : v < value ? 1 : 0;
  const z0 = normalQuantile(below / drawn.length);

  let squares = 0;
  let cubes = 0;
  for (const pull of influence) {
    squares += pull ** 2;
    cubes += pull ** 3;
  }
  const acceleration = squares > 0 ? cubes / (6 * squares ** 1.5) : 0;
  if (!Number.isFinite(z0) || !Number.isFinite(acceleration)) return undefined;
  return (level) => {
    const z = z0 + normalQuantile(level);
    return normalCdf(z0 + z / (1 - acceleration * z));
  };
}

/** The p-quantile of sorted numbers, interpolated between the order statistics at p (B + 1). */
function quantile(sorted: readonly number[], p: number): number {
  const at = Math.min(Math.max(p * (sorted.length + 1) - 1, 0), sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  // Not below + (above − below) · f alone: with Infinity among the values that would be NaN.
  return below === above ? below : below + (above - below) * (at - Math.floor(at));
}
