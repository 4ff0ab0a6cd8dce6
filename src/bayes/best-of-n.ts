/**
 * Upper bound log n − (n − 1)/n, in nats, on KL(best-of-n ‖ base) (Stiennon et al. 2020, appendix G; a bound, and reached
 * only without ties: Beirami et al. 2024). n = 5: 0.809, 16: 1.835, 64: 3.175.
 */
export function bestOfNKlBound(n: number): number {
  wholeNumber(n, 'n');
  return Math.log(n) - (n - 1) / n;
}

/**
 * KL(best-of-n ‖ base) of one context, in nats, measured from M samples of the base. Best-of-n draws n times, picks the
 * highest reward, and breaks ties by chance, so it changes only how likely a reward is, not what a text of that reward is
 * like: the KL over texts is that over the groups g of tied rewards. Of base samples drawn anew from these M,
 * P(g) = (c_g/M)ⁿ − (c_{g−1}/M)ⁿ with c_g the samples with a reward of at most g's, and KL = Σ P(g) log(P(g) M / size g).
 *
 * Never above {@link bestOfNKlBound}. Without ties it is a function of n and M alone, below the bound by about
 * (n/M)²/24 for n ≤ M (exactly, to second order, n (n−1)² / (24 (n−2) M²) for n > 2). With ties it is the plug-in estimate,
 * with a bias of O(1/M) of either sign, which is large where M samples hardly show the top group that n draws would find:
 * a group of 2%, n = 64, M = 200: 0.19 too low, of 2.26 nats. For n > M it saturates at log(M / size of the top group).
 *
 * @param rewards [M] that pick, higher is better, of samples of the base
 * @param n any whole number ≥ 1; 1 gives 0
 * @throws RangeError on no samples or NaN
 */
export function bestOfNKl(rewards: ArrayLike<number>, n: number): number {
  wholeNumber(n, 'n');
  const total = rewards.length;
  if (total === 0) throw new RangeError('bestOfNKl: no samples');
  let kl = 0;
  for (const { from, to } of tieGroups(rewards, 'bestOfNKl')) {
    const chance = (to / total) ** n - (from / total) ** n;
    if (chance > 0) kl += chance * Math.log((chance * total) / (to - from));
  }
  return kl;
}

/**
 * KL(best-of-n of a model ‖ base) of one context, in nats, from M samples of the model: {@link bestOfNKl} to the model,
 * plus the expected log π_model − log π_0 of the pick. (log BoN/π_0 = log BoN/π_model + log π_model/π_0, so this is exact
 * but for the sampling.)
 *
 * @param rewards [M] that pick; @param logModel log π_model(x) [M]; @param logBase log π_0(x) [M], all in nats
 * @throws RangeError as {@link expectedBestOfN}
 */
export function bestOfNKlToBase(
  rewards: ArrayLike<number>,
  logModel: ArrayLike<number>,
  logBase: ArrayLike<number>,
  n: number,
): number {
  if (logModel.length !== logBase.length)
    throw new RangeError(`bestOfNKlToBase: ${logModel.length} logModel for ${logBase.length} logBase`);
  const logRatios = Float64Array.from(logModel, (log, i) => log - logBase[i]!);
  return bestOfNKl(rewards, n) + expectedBestOfN(rewards, logRatios, n);
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
  let expected = 0;
  for (const { from, to, members } of tieGroups(ranker, 'expectedBestOfN')) {
    // The pick falls into this tie group if all n lie below its end, but not all below its start.
    const chance = shareOfSubsets(to, n, total) - shareOfSubsets(from, n, total);
    if (chance > 0) expected += (chance * members.reduce((sum, i) => sum + values[i]!, 0)) / (to - from);
  }
  if (Number.isNaN(expected)) throw new RangeError('expectedBestOfN: the values hold NaN');
  return expected;
}

/** Samples with the same score, `from`..`to` (exclusive) in ascending order of score, by their indices. */
interface TieGroup {
  from: number;
  to: number;
  members: number[];
}

/** The groups of tied scores, lowest first. @throws RangeError on NaN */
function tieGroups(scores: ArrayLike<number>, who: string): TieGroup[] {
  const order = Array.from(scores, (_, i) => i).sort((i, j) => scores[i]! - scores[j]!);
  if (order.some((i) => Number.isNaN(scores[i]!))) throw new RangeError(`${who}: the scores hold NaN`);
  const groups: TieGroup[] = [];
  for (const [at, i] of order.entries()) {
    const last = groups.at(-1);
    if (last && scores[last.members[0]!] === scores[i]) {
      last.members.push(i);
      last.to = at + 1;
    } else groups.push({ from: at, to: at + 1, members: [i] });
  }
  return groups;
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
