/**
 * Upper bound log n − (n − 1)/n, in nats, on KL(best-of-n ‖ base) (Stiennon et al. 2020, appendix G; a bound, and reached
 * only without ties: Beirami et al. 2024). n = 5: 0.809, 16: 1.835, 64: 3.175.
 */
export function bestOfNKlBound(n: number): number {
  wholeNumber(n, 'n');
  return Math.log(n) - (n - 1) / n;
}

/**
 * Expected value of the sample that a ranker picks out of n, from N ≥ n scored samples: the mean over all n-subsets
 * without replacement, so that every sample is used (unbiased; n = 1 is the mean, n = N the pick itself). Samples that
 * the ranker ties share their chance equally.
 *
 * @param ranker scores [N] that pick, higher is better
 * @param values [N] of what is picked (an oracle's scores; the ranker's own for the expected maximum)
 * @throws RangeError on n outside 1..N, different lengths, or NaN
 */
export function expectedBestOfN(ranker: ArrayLike<number>, values: ArrayLike<number>, n: number): number {
  const total = ranker.length;
  wholeNumber(n, 'n');
  if (values.length !== total)
    throw new RangeError(`expectedBestOfN: ${total} ranker scores for ${values.length} values`);
  if (n > total) throw new RangeError(`expectedBestOfN: best of ${n} needs ${n} samples, there are ${total}`);
  const order = Array.from({ length: total }, (_, i) => i).sort((i, j) => ranker[i]! - ranker[j]!);
  if (order.some((i) => Number.isNaN(ranker[i]!) || Number.isNaN(values[i]!)))
    throw new RangeError('expectedBestOfN: the scores hold NaN');

  let expected = 0;
  for (let from = 0; from < total; ) {
    let to = from;
    let sum = 0;
    while (to < total && ranker[order[to]!] === ranker[order[from]!]) sum += values[order[to++]!]!;
    // The pick falls into this tie group if all n lie below its end, but not all below its start.
    const chance = shareOfSubsets(to, n, total) - shareOfSubsets(from, n, total);
    expected += (chance * sum) / (to - from);
    from = to;
  }
  return expected;
}

/** C(m, n) / C(total, n): the share of n-subsets that lie within the first m. */
function shareOfSubsets(m: number, n: number, total: number): number {
  let share = 1;
  for (let i = 0; i < n; i++) share *= Math.max(m - i, 0) / (total - i);
  return share;
}

function wholeNumber(n: number, name: string): void {
  if (!(Number.isInteger(n) && n >= 1))
    throw new RangeError(`best-of-n: ${name} = ${n} is not a positive whole number`);
}
