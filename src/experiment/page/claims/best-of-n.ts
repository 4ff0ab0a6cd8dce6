/** Best-of-n. */
import { type ClaimRule, compare, compareMeasures, most } from './rule.js';

/** At the largest n that was measured. */
const [ofBase, ofIlf] = [most('best-of-n', 'π_0'), most('best-of-n', 'ILF')];

export const bestOfNClaims: readonly ClaimRule[] = [
  {
    id: 'best-of-n-ilf',
    section: 'best-of-n',
    claim: 'Best-of-64 with a reward model beats ILF.',
    theirs: '25.5 / 42.0 / 43.7 against 19.6 / 29.2 / 31.3 %†; 45.1 against 36.0 ± 1.8 in a second ranking',
    unit: 'score',
    decide: compare('best-of-n', 'score', 'score', ofBase, 'ilf-1'),
  },
  {
    id: 'ilf-best-of-n',
    section: 'best-of-n',
    claim: 'ILF and best-of-64 together beat best-of-64 alone.',
    theirs: '50.8 against 45.1 ± 1.8 %†',
    unit: 'score',
    decide: compare('best-of-n', 'score', 'score', ofIlf, ofBase),
  },
  {
    id: 'best-of-n-bound',
    section: 'best-of-n',
    claim: 'KL of best-of-n to the base is at most log n − (n − 1)/n.',
    theirs: 'n = 5: 0.809, 16: 1.835, 64: 3.175 nats',
    unit: 'nats',
    note: 'Bound minus measured KL, at the largest n. It cannot fail: the measure keeps to the bound by its construction. What it shows is the gap, which is made by ties.',
    decide: compareMeasures('best-of-n', 'nats', ofBase, 'klBound', 'klTunedBase'),
  },
];
