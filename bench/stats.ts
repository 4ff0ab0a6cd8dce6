/** Medians, spreads and ratios. Leaves out intervals: a few rounds on a shared machine are no sample to infer from. */

/** @throws RangeError for no values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of no values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Spread {
  median: number;
  min: number;
  max: number;
}

export const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/** Ours ÷ theirs within each round, so that what slows the machine for minutes cancels; then their spread. */
export function ratios(ours: readonly number[], theirs: readonly number[]): Spread {
  if (ours.length !== theirs.length)
    throw new RangeError(`${ours.length} rounds of ours, ${theirs.length} of theirs`);
  return spread(ours.map((rate, round) => rate / theirs[round]!));
}
