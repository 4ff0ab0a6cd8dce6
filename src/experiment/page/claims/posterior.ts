/** The Bayesian view. */
import { type Choice, type ClaimRule, compare } from './rule.js';

/** RL with the β that the target π_0 exp(r/β)/Z is for. */
const middleRl: Choice = (values) => {
  const arms = values.armsOf('posterior', 'RL');
  return arms[Math.floor(arms.length / 2)];
};

export const bayesianClaims: readonly ClaimRule[] = [
  {
    id: 'mode-seeking',
    section: 'frontier',
    claim: 'RL with a KL penalty is closer to its target from the model’s side, KL(π_θ ‖ π*), than ILF.',
    theirs: 'RL minimises KL(π_θ ‖ π*), mode seeking (Korbak et al. 2022); no number',
    unit: 'nats',
    note: 'Target π_0 exp(r/β)/Z of the reward model.',
    decide: compare('posterior', 'klToRewardTarget', 'nats', 'ilf', middleRl),
  },
  {
    id: 'mass-covering',
    section: 'frontier',
    claim: 'ILF is closer to the posterior from the target’s side, KL(p* ‖ π_θ), than RL.',
    theirs: 'ILF minimises KL(p* ‖ π_θ), mass covering (Scheurer et al. 2023); no number',
    unit: 'nats',
    note: 'Target p(x | c, I = 1); ILF’s picks are not weighed by π_0/π_ψ, so they are not its samples.',
    decide: compare('posterior', 'klFromPosterior', 'nats', middleRl, 'ilf'),
  },
  {
    id: 'ilf-picks',
    section: 'posterior',
    claim: 'ILF brings the model closer to the distribution that its targets come from, KL(p* ‖ π_θ).',
    theirs: 'minimised by ILF, p* taken as that of the refinement picked (Scheurer et al. 2023); no number',
    unit: 'nats',
    note: 'p* is the refiner’s density times how much likelier best-of-5 makes a text, given x0 and feedback.',
    decide: compare('posterior', 'klFromPicks', 'nats', 'base', 'ilf'),
  },
];
