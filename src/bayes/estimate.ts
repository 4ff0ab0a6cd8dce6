// The measures that the reports are made of: means, rates, differences, win rates and ratios, each with its interval.
import { type BootstrapOptions, bootstrap, type Estimate } from './bootstrap.js';

export { type BootstrapOptions, describeInterval, type Estimate } from './bootstrap.js';

/** What each context gave: one number, or the numbers of its several samples, which are resampled together. */
export type PerContext = readonly (number | ArrayLike<number>)[];

/** One context's part of a ratio Σ sum / Σ weight. */
export interface Piece {
  sum: number;
  weight: number;
}

/**
 * Mean over contexts of each context's mean over its samples. Every context counts the same, however many samples it
 * has. For shares (0/1 samples) pass `bounds: [0, 1]`.
 * @throws RangeError on no contexts, a context without samples, or NaN
 */
export function meanEstimate(values: PerContext, options: BootstrapOptions = {}): Estimate {
  const means = contextMeans(values, 'meanEstimate');
  return bootstrap(means.length, (weights) => weightedMean(means, weights), options);
}

/**
 * Paired difference mean(a) − mean(b) on the same contexts: a resample draws contexts, and takes both sides of each.
 * The numbers of samples may differ between the sides.
 * @throws RangeError where the sides have different numbers of contexts, and as {@link meanEstimate}
 */
export function differenceEstimate(a: PerContext, b: PerContext, options: BootstrapOptions = {}): Estimate {
  samePairs(a, b, 'differenceEstimate');
  const right = contextMeans(b, 'differenceEstimate');
  const differences = contextMeans(a, 'differenceEstimate').map((mean, i) => mean - right[i]!);
  return bootstrap(differences.length, (weights) => weightedMean(differences, weights), options);
}

/**
 * Win rate of a over b: the mean over contexts of P(a > b) + ½ P(a = b), over all pairs of a sample of a with a
 * sample of b in the same context (independent samples have no natural pairing, and all pairs vary least).
 * @param a scores, higher is better; @param b scores of the same contexts
 * @throws RangeError as {@link differenceEstimate}
 */
export function winRate(a: PerContext, b: PerContext, options: BootstrapOptions = {}): Estimate {
  return meanEstimate(winShares(a, b), { bounds: [0, 1], ...options });
}

/** Each context's share of won pairs, ties as half: what {@link winRate} averages, for comparing two win rates. */
export function winShares(a: PerContext, b: PerContext): number[] {
  samePairs(a, b, 'winRate');
  return a.map((left, i) => {
    const [x, y] = [samples(left, i, 'winRate'), samples(b[i]!, i, 'winRate')];
    let won = 0;
    for (const u of x) for (const v of y) won += u > v ? 1 : u === v ? 0.5 : 0;
    return won / (x.length * y.length);
  });
}

/**
 * Ratio of sums Σ sum / Σ weight over contexts (nats per token, correct pairs per pair): contexts count by their weight.
 * @throws RangeError on no contexts, NaN, or weights that add up to nothing
 */
export function ratioEstimate(pieces: readonly Piece[], options: BootstrapOptions = {}): Estimate {
  if (pieces.length === 0) throw new RangeError('ratioEstimate: no contexts to estimate from');
  const total = pieces.reduce((sum, piece) => sum + piece.weight, 0);
  if (!(total > 0))
    throw new RangeError(`ratioEstimate: the weights of ${pieces.length} contexts add up to ${total}`);
  return bootstrap(
    pieces.length,
    (weights) => {
      let sum = 0;
      let weight = 0;
      for (let i = 0; i < pieces.length; i++) {
        if (weights[i] === 0) continue; // 0 · Infinity would be NaN
        sum += weights[i]! * pieces[i]!.sum;
        weight += weights[i]! * pieces[i]!.weight;
      }
      return sum / weight;
    },
    options,
  );
}

function weightedMean(values: readonly number[], weights: Int32Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (weights[i] === 0) continue; // 0 · Infinity would be NaN
    sum += weights[i]! * values[i]!;
    count += weights[i]!;
  }
  return sum / count;
}

/** Each context's mean over its samples, checked: `who` is named in the errors. */
export function contextMeans(values: PerContext, who: string): number[] {
  if (values.length === 0) throw new RangeError(`${who}: no contexts to estimate from`);
  return values.map((value, i) => {
    const all = samples(value, i, who);
    return all.reduce((sum, v) => sum + v, 0) / all.length;
  });
}

function samples(value: number | ArrayLike<number>, context: number, who: string): number[] {
  const all = typeof value === 'number' ? [value] : Array.from(value);
  if (all.length === 0) throw new RangeError(`${who}: context ${context} has no samples`);
  if (all.some(Number.isNaN)) throw new RangeError(`${who}: context ${context} holds NaN`);
  return all;
}

function samePairs(a: PerContext, b: PerContext, who: string): void {
  if (a.length !== b.length)
    throw new RangeError(
      `${who}: ${a.length} contexts against ${b.length}; both sides need the same contexts`,
    );
}
