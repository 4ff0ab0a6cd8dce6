/**
 * The Bayesian view of a round's refinements: as weighted samples of p(x | c, I=1) ∝ π_0(x|c) P(I=1 | x, c), where the
 * ranker's score is P(I=1). The argmax that training takes is its limit β → ∞ without prior and proposal.
 */
import { meanEstimate } from '../bayes/estimate.js';
import { logEvidence, posteriorWeights } from '../bayes/posterior.js';
import { byContext, type RefinementRow, type ScoreRow } from '../pipeline/tables.js';
import type { PosteriorReport } from '../report/run/types.js';
import { UserError } from '../store/errors.js';

/** Contexts whose weights are kept for a look at their shape. */
const SHOWN = 20;

/**
 * Weights at a finite β with prior and proposal. The proposal's log-probability is π_ψ's at temperature 1, though the
 * samples are from its nucleus (top-p), and its mixture over other x0 and f is left out.
 * @param likelihood whether the scores are probabilities, P(I=1): without, nothing can be said of the evidence
 */
export function measurePosterior(
  refinements: readonly RefinementRow[],
  scores: readonly ScoreRow[],
  beta: number,
  likelihood: boolean,
): PosteriorReport {
  const scored = byContext(scores);
  const contexts = [...byContext(refinements)].map(([context, rows]) =>
    posteriorTerms(rows, scored.get(context)!),
  );
  const posteriors = contexts.map((of) => posteriorWeights({ ...of, beta }));
  const corrected = contexts.every(({ logProposal }) => logProposal !== undefined);
  const evidence = () =>
    contexts.map(({ rewards, ...terms }) =>
      logEvidence({ logLikelihood: rewards.map(Math.log), ...terms, selfNormalised: true }),
    );
  return {
    beta,
    priorWeight: 1,
    // A refiner elsewhere may not say how likely its texts were: then nothing corrects for it.
    proposalWeight: corrected ? 1 : 0,
    samplesPerContext: contexts[0]?.rewards.length ?? 0,
    ess: meanEstimate(posteriors.map(({ ess }) => ess)),
    ...(likelihood && corrected && { logEvidence: meanEstimate(evidence().map((of) => of.logEvidence)) }),
    weights: posteriors.slice(0, SHOWN).map(({ weights }) => [...weights].sort((a, b) => b - a)),
  };
}

/**
 * Reward, prior and proposal of one context's refinements; no proposal where the refiner could not tell.
 * @throws UserError for one that has no score
 */
export function posteriorTerms(rows: readonly RefinementRow[], scores: readonly ScoreRow[]) {
  const rewards = new Map(scores.map(({ candidate, mean }) => [candidate, mean]));
  const proposal = rows.flatMap(({ logprob_refiner }) => logprob_refiner ?? []);
  return {
    rewards: rows.map(({ context, candidate }) => {
      const reward = rewards.get(candidate);
      if (reward === undefined)
        throw new UserError(`refinement ${candidate} of context ${context} has no score`);
      return reward;
    }),
    logPrior: rows.map(({ logprob_base }) => logprob_base),
    ...(proposal.length === rows.length && { logProposal: proposal }),
  };
}
