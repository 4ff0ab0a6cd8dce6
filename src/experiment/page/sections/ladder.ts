import { dots, table } from '../parts.js';
import type { FindingsOf } from './findings.js';

export const ladderFindings: FindingsOf = (values) => ({
  id: 'ladder',
  title: 'At what size feedback begins to be used',
  text: [
    'Refiners of growing size (layers × width), trained from nothing on the same examples of the instruction corpus. A model that uses feedback incorporates more of it when told it than when told another context’s.',
  ],
  tables: [
    table(values, 'ladder', 'Share of refinements that incorporate the feedback', '', [
      ['incorporated', 'with it', 'share'],
      ['incorporatedWithout', 'without feedback', 'share'],
      ['incorporatedShuffled', 'with shuffled feedback', 'share'],
      ['gain', 'with minus shuffled', 'share'],
    ]),
  ],
  figures: [
    ...dots(values, 'ladder', 'gain', {
      title: 'Use of feedback by size',
      axis: 'incorporated: with minus with shuffled feedback',
      unit: 'share',
      rule: { value: 0, label: 'no use of feedback' },
    }),
  ],
});
