import type { Study } from '../study.js';
import { bestOfN } from './best-of-n.js';
import { kl } from './kl.js';
import { ladder } from './ladder.js';
import { posterior } from './posterior.js';
import { rankers } from './rankers.js';
import { refinements } from './refinements.js';
import { rewardModels } from './reward-models.js';
import { rl } from './rl.js';
import { rounds } from './rounds.js';
import { sizes } from './sizes.js';
import { targets } from './targets.js';

/** All studies, in the order of the page. */
export const studies: readonly Study[] = [
  targets,
  refinements,
  rankers,
  rewardModels,
  sizes,
  rounds,
  bestOfN,
  rl,
  kl,
  posterior,
  ladder,
];
