/** The page's sections: what each study says in figures and tables, made from its values alone. */
import type { StudyName } from '../../names.js';
import { bestOfNFindings } from './best-of-n.js';
import type { FindingsOf } from './findings.js';
import { klFindings } from './kl.js';
import { ladderFindings } from './ladder.js';
import { posteriorFindings } from './posterior.js';
import { rankersFindings } from './rankers.js';
import { refinementsFindings } from './refinements.js';
import { rewardModelsFindings } from './reward-models.js';
import { rlFindings } from './rl.js';
import { roundsFindings } from './rounds.js';
import { sizesFindings } from './sizes.js';
import { targetsFindings } from './targets.js';

export { frontierFindings } from './frontier.js';

export const findingsOf: Record<StudyName, FindingsOf> = {
  targets: targetsFindings,
  refinements: refinementsFindings,
  rankers: rankersFindings,
  'reward-models': rewardModelsFindings,
  sizes: sizesFindings,
  rounds: roundsFindings,
  'best-of-n': bestOfNFindings,
  rl: rlFindings,
  kl: klFindings,
  posterior: posteriorFindings,
  ladder: ladderFindings,
};
