// Estimates over runs with several seeds on the same contexts. Seeds and contexts are both drawn from something larger, and
// a claim is meant for new ones of each, so both are resampled: rows and columns of the table [seed][context], independently
// (the pigeonhole bootstrap; Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1).
//
// Assumes that seeds are exchangeable, that contexts are, and that their effects add up but for noise of each cell. The noise
// is counted up to three times, which widens intervals a little; of the spread between S seeds only (S − 1)/S is seen. So
// with few seeds the interval is approximate, and to be read beside `perSeed`. Simulated with three seeds and 100 contexts,
// effects and noise normal, 95% intervals held the mean in 97% of 300 runs where seeds vary a tenth as much as contexts do,
// in 90% at three tenths, and in 67% where hardly anything but seeds varies (the range of three holds it in 75%).
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { type BootstrapOptions, bootstrapSettings, resampledInterval } from './bootstrap.js';
import { contextMeans, type Estimate, meanEstimate, type PerContext, winShares } from './estimate.js';

/** An estimate over seeds and contexts, n counting contexts, beside each seed's own mean over contexts. */
export interface CrossedEstimate extends Estimate {
  perSeed: number[];
}

/**
 * Mean over seeds and contexts, with an interval by bootstrap over both; with one seed it is {@link meanEstimate}, which
 * says nothing about other seeds.
 *
 * @param values [seed][context], a number or several samples each; the same contexts in the same order in every seed
 * @throws RangeError on no seeds or contexts, seeds with different numbers of contexts, or NaN
 */
export function crossedEstimate(
  values: readonly PerContext[],
  options: BootstrapOptions = {},
): CrossedEstimate {
  const rows = checkedRows(values, 'crossedEstimate');
  const perSeed = rows.map(mean);
  const [first, ...others] = rows;
  if (others.length === 0) return { ...meanEstimate(first!, options), perSeed };
  const perContext = first!.map((_, c) => mean(rows.map((row) => row[c]!)));
  const value = mean(perSeed);
  const influence = () => [
    ...perSeed.map((of) => (of - value) / perSeed.length),
    ...perContext.map((of) => (of - value) / perContext.length),
  ];
  const drawn = resample(rows, options);
  return { ...resampledInterval(value, drawn, influence, perContext.length, options), perSeed };
}

/**
 * Paired difference mean(a) − mean(b): the same contexts and the same seeds on both sides, and a resample takes both sides
 * of each cell. `perSeed` holds each seed's difference.
 * @throws RangeError where the sides differ in seeds or contexts, and as {@link crossedEstimate}
 */
export function crossedDifference(
  a: readonly PerContext[],
  b: readonly PerContext[],
  options: BootstrapOptions = {},
): CrossedEstimate {
  sameSeeds(a, b, 'crossedDifference');
  const right = checkedRows(b, 'crossedDifference');
  const differences = checkedRows(a, 'crossedDifference').map((row, s) => {
    if (row.length !== right[s]!.length)
      throw new RangeError(
        `crossedDifference: seed ${s}: ${row.length} contexts against ${right[s]!.length}; both sides need the same`,
      );
    return row.map((value, c) => value - right[s]![c]!);
  });
  return crossedEstimate(differences, options);
}

/**
 * Win rate of a over b, ties as half, over all pairs of samples within each seed and context: see `winRate`.
 * @throws RangeError as {@link crossedDifference}
 */
export function crossedWinRate(
  a: readonly PerContext[],
  b: readonly PerContext[],
  options: BootstrapOptions = {},
): CrossedEstimate {
  sameSeeds(a, b, 'crossedWinRate');
  return crossedEstimate(
    a.map((row, s) => winShares(row, b[s]!)),
    { bounds: [0, 1], ...options },
  );
}

/** The mean of each resample; none where there is one context alone, of whose spread nothing is known. */
function resample(rows: readonly (readonly number[])[], options: BootstrapOptions): number[] {
  const { resamples, seed } = bootstrapSettings(options);
  const seeds = rows.length;
  const contexts = rows[0]!.length;
  const random = xoroshiro128plus(seed);
  const drawn: number[] = [];
  for (let b = 0; contexts > 1 && b < resamples; b++) {
    const chosen = rows.map(() => rows[uniformInt(random, 0, seeds - 1)]!);
    let sum = 0;
    for (let i = 0; i < contexts; i++) {
      const c = uniformInt(random, 0, contexts - 1);
      for (const row of chosen) sum += row[c]!;
    }
    drawn.push(sum / (seeds * contexts));
  }
  return drawn;
}

function checkedRows(values: readonly PerContext[], who: string): number[][] {
  if (values.length === 0) throw new RangeError(`${who}: no seeds to estimate from`);
  const rows = values.map((row, s) => contextMeans(row, `${who}: seed ${s}`));
  const contexts = rows[0]!.length;
  for (const [s, row] of rows.entries())
    if (row.length !== contexts)
      throw new RangeError(`${who}: seed ${s} has ${row.length} contexts, seed 0 has ${contexts}`);
  return rows;
}

function sameSeeds(a: readonly PerContext[], b: readonly PerContext[], who: string): void {
  if (a.length !== b.length)
    throw new RangeError(`${who}: ${a.length} seeds against ${b.length}; both sides need the same seeds`);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}
