/** How far a model is from the targets, on the texts of one context, in nats. */
import { bestOfNKlToBase, klFromTarget, klToTarget, logEvidence } from '../bayes/index.js';
import type { OwnTexts, Proposals } from './bayesian-data.js';

const overBeta = (reward: readonly number[], beta: number) => reward.map((r) => r / beta);

/**
 * KL(p* ‖ π_θ) of the posterior, of the reward target, and of what ILF is trained on: the best of `samples` refinements by
 * InstructRM, whose density is the refiner's times how much likelier picking makes a text.
 */
export function klFrom(of: Proposals, logPolicies: number[], beta: number, samples: number) {
  const { logPrior, logProposal, logLikelihood, score, logRefiner, refined } = of;
  const common = { logPrior, logProposal, logPolicy: logPolicies };
  const posteriorOf = klFromTarget({ ...common, logLikelihood });
  const rewardTarget = klFromTarget({ ...common, logLikelihood: overBeta(of.reward, beta) });
  const refinements = (all: readonly number[]) => all.filter((_, i) => refined[i]);
  return {
    klFromPosterior: posteriorOf.kl,
    klFromRewardTarget: rewardTarget.kl,
    klFromPicks: bestOfNKlToBase(
      refinements(score),
      refinements(logRefiner),
      refinements(logPolicies),
      samples,
    ),
    essPosterior: posteriorOf.ess,
    essRewardTarget: rewardTarget.ess,
  };
}

/** KL(π_θ ‖ p*) of the posterior and of the reward target, from samples of the model; log Z from the proposals. */
export function klTo(
  { logPrior, logModel, logLikelihood, reward }: OwnTexts,
  proposals: Proposals,
  beta: number,
) {
  const to = (own: number[], ofProposals: number[]) => {
    const { logPrior: prior, logProposal } = proposals;
    const { logEvidence: logZ } = logEvidence({ logLikelihood: ofProposals, logPrior: prior, logProposal });
    return klToTarget({ logLikelihood: own, logPrior, logPolicy: logModel, logZ }).kl;
  };
  return {
    klToPosterior: to(logLikelihood, proposals.logLikelihood),
    klToRewardTarget: to(overBeta(reward, beta), overBeta(proposals.reward, beta)),
  };
}
