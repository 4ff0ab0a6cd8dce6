/**
 * What the papers say about summaries, number by number as they were published (Scheurer et al. 2023; rows marked † were read
 * off the authors' notebooks), and what decides here whether it held: a difference that is above 0 where it did. Nothing is
 * adjusted after looking; a claim that fails here stays failed.
 */
import { bestOfNClaims } from './claims/best-of-n.js';
import { klClaims } from './claims/kl.js';
import { ladderClaims } from './claims/ladder.js';
import { bayesianClaims } from './claims/posterior.js';
import { rankerClaims } from './claims/rankers.js';
import { refinementClaims } from './claims/refinements.js';
import type { ClaimRule } from './claims/rule.js';
import { targetClaims } from './claims/targets.js';

export { type ClaimRule, claimOf, undecidedBy, verdictOf } from './claims/rule.js';

export const claimRules: readonly ClaimRule[] = [
  ...rankerClaims,
  ...refinementClaims,
  ...targetClaims,
  ...bestOfNClaims,
  ...klClaims,
  ...bayesianClaims,
  ...ladderClaims,
];
