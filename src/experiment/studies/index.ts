import type { Study } from '../study.js';
import { bestOfNStudy } from './best-of-n.js';
import { klStudy } from './kl.js';
import { ladderStudy } from './ladder.js';
import { posteriorStudy } from './posterior.js';
import { rankersStudy } from './rankers.js';
import { refinementsStudy } from './refinements.js';
import { rewardModelsStudy } from './reward-models.js';
import { rlStudy } from './rl.js';
import { roundsStudy } from './rounds.js';
import { sizesStudy } from './sizes.js';
import { targetsStudy } from './targets.js';

/** All studies, in the order of the page. */
export const studies: readonly Study[] = [
  targetsStudy,
  refinementsStudy,
  rankersStudy,
  rewardModelsStudy,
  sizesStudy,
  roundsStudy,
  bestOfNStudy,
  rlStudy,
  klStudy,
  posteriorStudy,
  ladderStudy,
];
