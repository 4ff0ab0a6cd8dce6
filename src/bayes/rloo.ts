/**
 * REINFORCE with a leave-one-out baseline (RLOO) and a KL penalty: the gradient of E_{x~π_θ}[r(x)] − β KL(π_θ ‖ π_0),
 * whose optimum is π_0(x) exp(r(x)/β) / Z.
 *
 * Sources: Kool, van Hoof & Welling 2019, "Buy 4 REINFORCE samples, get a baseline for free!"; Ahmadian et al. 2024,
 * "Back to basics".
 */

/**
 * R_i = r_i − β ln(π_θ(x_i)/π_0(x_i)) of samples x_i ~ π_θ.
 *
 * The penalty may stand inside the reward, as a constant that no gradient flows through, and the gradient of the whole
 * objective is unbiased: ∇ E[R] = E[R ∇ ln π_θ] + E[∇R], and E[∇R] = −β E[∇ ln π_θ] = −β ∇ Σ π_θ = 0. That takes x_i from
 * π_θ itself, at temperature 1 and from the whole vocabulary, and the ratio of the whole sample.
 *
 * @param rewards r_i [n]; @param logRatios ln π_θ(x_i) − ln π_0(x_i) [n], in nats; @param beta 0 or more
 * @throws RangeError on different lengths
 */
export function penalisedRewards(
  rewards: ArrayLike<number>,
  logRatios: ArrayLike<number>,
  beta: number,
): number[] {
  if (rewards.length !== logRatios.length)
    throw new RangeError(`penalisedRewards: ${rewards.length} rewards for ${logRatios.length} log-ratios`);
  return Array.from(rewards, (reward, i) => reward - beta * logRatios[i]!);
}

/**
 * A_i = R_i − mean_{j≠i} R_j of the k ≥ 2 samples of one prompt; Σ_i A_i ∇ ln π_θ(x_i) / k estimates ∇ E[R]. The baseline of
 * a sample is independent of it, so that it lowers the variance and leaves the mean: E[b ∇ ln π_θ] = E[b] ∇ Σ π_θ = 0. (The
 * mean over all k, its own included, would shrink the gradient by (k − 1)/k.)
 * @throws RangeError on fewer than 2 samples
 */
export function leaveOneOutAdvantages(values: ArrayLike<number>): number[] {
  const k = values.length;
  if (k < 2)
    throw new RangeError(`leaveOneOutAdvantages: a baseline needs 2 samples of a prompt, there are ${k}`);
  const sum = Array.from(values).reduce((a, b) => a + b, 0);
  return Array.from(values, (value) => value - (sum - value) / (k - 1));
}
