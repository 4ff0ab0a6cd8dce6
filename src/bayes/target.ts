// The target that training moves towards, p*(x|c) = π_0(x|c) L(x|c) / Z_c, and how far a policy π_θ is from it. L is a
// likelihood P(I=1 | x, c), then p* is the posterior p(x | c, I=1) and Z_c its evidence; or exp(r(x)/β), then p* is the
// optimum of KL-penalised RL (Korbak et al. 2022). A number from here says which of the two it is for: Z differs.
//
//   KL(p* ‖ π_θ)   target first, mass covering: what ILF minimises, up to the constant entropy of p*
//   KL(π_θ ‖ p*)   policy first, mode seeking: what RL minimises; log Z − KL(π_θ ‖ p*) is its objective divided by β
import { type BootstrapOptions, type Estimate, meanEstimate } from './estimate.js';
import { type Evidence, type EvidenceInput, logEvidence, posteriorWeights } from './posterior.js';

/** Samples x_i ~ q(·|c) of one context [N], with what each model says about them, in nats. */
export interface TargetSamples extends EvidenceInput {
  /** log L(x_i): the log of a calibrated P(I=1 | x_i, c), or r(x_i)/β; −Infinity allowed. */
  logLikelihood: ArrayLike<number>;
  /** log π_0(x_i|c) [N]. */
  logPrior: ArrayLike<number>;
  /** log q(x_i|c) [N]; left out where the samples are π_0's own. */
  logProposal?: ArrayLike<number>;
  /** log π_θ(x_i|c) [N]. */
  logPolicy: ArrayLike<number>;
}

export interface KlFromTarget {
  /** KL(p* ‖ π_θ) in nats. */
  kl: number;
  /** log Ẑ in nats, by {@link logEvidence}. */
  logZ: number;
  /** Effective sample size of the weights ω ∝ π_0 L / q: how many samples of p* these are worth. */
  ess: number;
}

/**
 * KL(p* ‖ π_θ) of one context = Σ ω_i (log π_0 + log L − log Ẑ − log π_θ)(x_i), with self-normalised weights
 * ω_i ∝ π_0(x_i) L(x_i) / q(x_i). Never clamped: it may come out negative.
 *
 * Biased by O(1/N): to first order by (½ χ² − E[w (log w′ − KL)]) / N, of either sign, with w = p*(x) / q(x) and
 * w′ = p*(x) / π_θ(x), the expectation under p*, and χ² that of p* against q. The estimate equals
 * log N − H(ω) + Σ ω log(q / π_θ), so N samples show at most log N nats of what p* is away from q, and a single one (ess
 * near 1) is an estimate of KL(q ‖ π_θ) instead: where the effective sample size is low, this number is about the proposal.
 *
 * @throws RangeError on no samples, different lengths, NaN, or samples that are all impossible under the target
 */
export function klFromTarget(input: TargetSamples): KlFromTarget {
  const { logLikelihood, logPrior, logProposal, logPolicy, selfNormalised = false } = input;
  sameLengths('klFromTarget', { logLikelihood, logPrior, logPolicy });
  const ratio = logProposal && { logPrior, logProposal };
  const logZ = knownLogZ(
    'klFromTarget',
    logEvidence({ logLikelihood, ...ratio, selfNormalised }).logEvidence,
  );
  const { weights, ess } = posteriorWeights({ rewards: logLikelihood, beta: 1, ...ratio });
  let kl = -logZ;
  for (let i = 0; i < weights.length; i++)
    if (weights[i]! > 0) kl += weights[i]! * (logPrior[i]! + logLikelihood[i]! - logPolicy[i]!); // 0 log 0 = 0
  if (Number.isNaN(kl)) throw new RangeError('klFromTarget: the inputs hold NaN');
  return { kl, logZ, ess };
}

/** Samples x_i ~ π_θ(·|c) of one context [N], at temperature 1 from the whole vocabulary, in nats. */
export interface PolicySamples {
  /** log L(x_i) [N]. */
  logLikelihood: ArrayLike<number>;
  /** log π_0(x_i|c) [N]. */
  logPrior: ArrayLike<number>;
  /** log π_θ(x_i|c) [N]. */
  logPolicy: ArrayLike<number>;
  /** log Z_c of the same likelihood, from samples that cover the target (π_0's, or a proposal's): not these. */
  logZ: number;
}

export interface KlToTarget {
  /** KL(π_θ ‖ p*) = klToPrior − logLikelihood + log Z, in nats. */
  kl: number;
  /** KL(π_θ ‖ π_0), by k1, in nats. */
  klToPrior: number;
  /** E_θ[log L], in nats; for the RL target times β the expected reward. */
  logLikelihood: number;
}

/**
 * KL(π_θ ‖ p*) of one context, as the mean of log π_θ − log π_0 − log L plus log Z. Unbiased given log Z, an error of
 * which goes in as it is: an estimate by {@link logEvidence} is too low on average, and then so is this. k1 on purpose:
 * its noise cancels against that of log L as π_θ approaches p*, at which each sample gives exactly −log Z. Infinite where
 * the policy gives what the target excludes; never clamped.
 * @throws RangeError on no samples, different lengths, NaN, or a log Z that is not finite
 */
export function klToTarget(input: PolicySamples): KlToTarget {
  const { logLikelihood, logPrior, logPolicy } = input;
  const n = sameLengths('klToTarget', { logLikelihood, logPrior, logPolicy });
  const logZ = knownLogZ('klToTarget', input.logZ);
  let klToPrior = 0;
  let likelihood = 0;
  for (let i = 0; i < n; i++) {
    klToPrior += (logPolicy[i]! - logPrior[i]!) / n;
    likelihood += logLikelihood[i]! / n;
  }
  const kl = klToPrior - likelihood + logZ;
  if (Number.isNaN(kl)) throw new RangeError('klToTarget: the inputs hold NaN, or opposite infinities');
  return { kl, klToPrior, logLikelihood: likelihood };
}

export interface EvidenceEstimate {
  /** Mean log evidence over contexts, in nats. */
  mean: Estimate;
  /** Each context's, with its standard error over the draws of its samples. */
  perContext: Evidence[];
}

/**
 * Mean log evidence E_c[log p(I=1|c)], with an interval by bootstrap over contexts. Each context's log evidence is too low by
 * about its standard error²/2 (Jensen), which no number of contexts averages out: more samples per context do.
 * @throws RangeError on no contexts, and as {@link logEvidence}
 */
export function evidenceEstimate(
  contexts: readonly EvidenceInput[],
  options: BootstrapOptions = {},
): EvidenceEstimate {
  const perContext = contexts.map(logEvidence);
  return {
    mean: meanEstimate(
      perContext.map((of) => of.logEvidence),
      options,
    ),
    perContext,
  };
}

function sameLengths(who: string, arrays: Record<string, ArrayLike<number>>): number {
  const lengths = Object.entries(arrays).map(([name, { length }]) => ({ name, length }));
  const n = lengths[0]!.length;
  if (lengths.some(({ length }) => length !== n))
    throw new RangeError(
      `${who}: lengths differ: ${lengths.map(({ name, length }) => `${name} ${length}`).join(', ')}`,
    );
  if (n === 0) throw new RangeError(`${who}: no samples`);
  return n;
}

function knownLogZ(who: string, logZ: number): number {
  if (!Number.isFinite(logZ))
    throw new RangeError(
      `${who}: log Z = ${logZ}: the target is unknown where no sample is possible under it`,
    );
  return logZ;
}
