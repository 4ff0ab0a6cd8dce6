// The Bayesian reading of ranking refinements: which of N samples x_1..x_N ~ q(·|c) stand for the posterior
// p(x | c, I=1) ∝ π_0(x|c) exp(β R(x, c)), how many of them really do, and how likely "good" was at all.

export interface PosteriorInput {
  /** R_i [N], the ranker's scores. */
  rewards: ArrayLike<number>;
  /** β ≥ 0; Infinity picks the argmax, which is what the ILF papers do. */
  beta: number;
  /** log π_0(x_i|c) [N], in nats; with it, `priorWeight` says how much of it counts. */
  logPrior?: ArrayLike<number>;
  /** a: 0 for the papers' target exp(βR), 1 for the target with a prior. Default 1 where logPrior is given. */
  priorWeight?: number;
  /** log q(x_i|c) [N], in nats, the proposal that the samples come from. */
  logProposal?: ArrayLike<number>;
  /** b: 0 takes the proposal as constant, as the papers do, 1 corrects for it. Default 1 where logProposal is given. */
  proposalWeight?: number;
}

export interface Posterior {
  /** ω [N], Σω = 1. */
  weights: Float64Array;
  /** 1/Σω², between 1 and N: how many equally weighted samples these are worth. */
  ess: number;
}

/**
 * Self-normalised importance weights ω_i ∝ exp(β R_i + a log π_0(x_i) − b log q(x_i)), computed by log-sum-exp.
 * At β = Infinity the samples with the highest reward share the weight by their other terms, alone.
 * @throws RangeError on no samples, different lengths, NaN, a negative β, or weights that are all zero
 */
export function posteriorWeights(input: PosteriorInput): Posterior {
  const { rewards, beta } = input;
  const n = rewards.length;
  if (n === 0) throw new RangeError('posteriorWeights: no samples');
  if (!(beta >= 0)) throw new RangeError(`posteriorWeights: beta = ${beta} is not ≥ 0`);
  const prior = term(input.logPrior, input.priorWeight, n, 'logPrior');
  const proposal = term(input.logProposal, input.proposalWeight, n, 'logProposal');

  let best = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) best = Math.max(best, rewards[i]!); // NaN stays NaN
  const logWeights = Float64Array.from({ length: n }, (_, i) => {
    const other = prior(i) - proposal(i);
    // Rewards relative to the best one: β (R − max R) is 0 at the best and −Infinity elsewhere as β → ∞.
    const gap = rewards[i] === best ? 0 : rewards[i]! - best;
    return (gap === 0 || beta === 0 ? 0 : beta * gap) + other;
  });
  const normaliser = logSumExp(logWeights);
  if (!Number.isFinite(normaliser))
    throw new RangeError(
      `posteriorWeights: the weights of ${n} samples do not add up (log sum ${normaliser})`,
    );
  const weights = logWeights.map((lw) => Math.exp(lw - normaliser));
  return { weights, ess: effectiveSampleSize(weights) };
}

/** (Σω)²/Σω² of non-negative weights, normalised or not. Kish 1965. */
export function effectiveSampleSize(weights: ArrayLike<number>): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i]!;
    squares += weights[i]! ** 2;
  }
  if (!(squares > 0))
    throw new RangeError('effectiveSampleSize: the weights are all zero, or there are none');
  return (sum * sum) / squares;
}

export interface EvidenceInput {
  /** log P(I=1 | x_i, c) [N], in nats (log of the ranker's probability; −Infinity allowed). */
  logLikelihood: ArrayLike<number>;
  /** log π_0(x_i|c) and log q(x_i|c) [N], in nats; leave both out where the samples are π_0's own. */
  logPrior?: ArrayLike<number>;
  logProposal?: ArrayLike<number>;
  /**
   * True divides by the sum of the importance ratios instead of N: needs π_0/q only up to a constant, biased by O(1/N),
   * and never above the largest likelihood. False (default) is unbiased for the evidence itself.
   */
  selfNormalised?: boolean;
}

export interface Evidence {
  /** log of the estimate of p(I=1|c) = Σ_x π_0(x|c) P(I=1|x, c), in nats. By Jensen too low on average. */
  logEvidence: number;
  /** Effective sample size of the ratios π_0/q: near 1, a single sample decides, and the number means little. */
  ess: number;
  /**
   * Standard error of `logEvidence` over the draws of the samples, in nats, by the delta method (the relative standard
   * error of the evidence): good where it is well below 1. Infinity where the samples cannot say (one, or all impossible).
   */
  standardError: number;
}

/**
 * Evidence log p(I=1|c) of one context, by importance sampling from x_i ~ q: the mean of (π_0/q) P(I=1|x).
 * @throws RangeError on no samples, different lengths, NaN, or only one of logPrior and logProposal
 */
export function logEvidence(input: EvidenceInput): Evidence {
  const { logLikelihood, logPrior, logProposal } = input;
  const n = logLikelihood.length;
  if (n === 0) throw new RangeError('logEvidence: no samples');
  if ((logPrior === undefined) !== (logProposal === undefined))
    throw new RangeError('logEvidence: logPrior and logProposal come together, or not at all');
  const prior = term(logPrior, undefined, n, 'logPrior');
  const proposal = term(logProposal, undefined, n, 'logProposal');
  const logRatios = Float64Array.from({ length: n }, (_, i) => prior(i) - proposal(i));
  const logTerms = logRatios.map((ratio, i) => ratio + logLikelihood[i]!);
  const ratioSum = logSumExp(logRatios);
  const value = logSumExp(logTerms) - (input.selfNormalised ? ratioSum : Math.log(n));
  if (Number.isNaN(value)) throw new RangeError('logEvidence: the inputs hold NaN, or ratios without bound');
  const shares = logRatios.map((ratio) => Math.exp(ratio - ratioSum));
  // What each sample adds to the relative error Ẑ/Z − 1: of a mean, or of a ratio of means (linearised).
  const errors = logTerms.map((lt, i) =>
    input.selfNormalised
      ? shares[i]! * (Math.exp(logLikelihood[i]! - value) - 1)
      : (Math.exp(lt - value) - 1) / n,
  );
  const squares = errors.reduce((sum, e) => sum + e * e, 0);
  return {
    logEvidence: value,
    ess: effectiveSampleSize(shares),
    standardError:
      n > 1 && Number.isFinite(value) ? Math.sqrt((squares * n) / (n - 1)) : Number.POSITIVE_INFINITY,
  };
}

/** log Σ exp(v_i), without overflow; −Infinity for no values. */
export function logSumExp(values: ArrayLike<number>): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) max = Math.max(max, values[i]!);
  if (!Number.isFinite(max)) return max;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - max);
  return max + Math.log(sum);
}

/** i ↦ weight · values[i], and 0 where the weight is 0 or there are no values (0 · −Infinity would be NaN). */
function term(
  values: ArrayLike<number> | undefined,
  weight: number | undefined,
  n: number,
  name: string,
): (i: number) => number {
  if (values === undefined) {
    if (weight) throw new RangeError(`${name} has weight ${weight}, but no values`);
    return () => 0;
  }
  if (values.length !== n) throw new RangeError(`${name} has ${values.length} values for ${n} samples`);
  const factor = weight ?? 1;
  return factor === 0 ? () => 0 : (i) => factor * values[i]!;
}
