/** Size. */
import { type ClaimRule, compare, least, most } from './rule.js';

export const ladderClaims: readonly ClaimRule[] = [
  {
    id: 'ladder',
    section: 'ladder',
    claim: 'Only larger models use feedback.',
    theirs:
      'exact match when asked to remove named words: 38.5 % for the largest, 8.2, 6.0, at most 2.2 for the smaller ones†',
    unit: 'share',
    note: 'Incorporated with feedback minus with shuffled feedback: largest against smallest rung.',
    decide: compare('ladder', 'gain', 'share', most('ladder', 'ladder'), least('ladder', 'ladder')),
  },
];
