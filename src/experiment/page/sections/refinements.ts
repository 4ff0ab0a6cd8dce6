import { dots, share, table } from '../parts.js';
import type { FindingsOf } from './findings.js';

export const refinementsFindings: FindingsOf = (values, own) => ({
  id: 'refinements',
  title: 'Refinements',
  text: [
    'Refinements of the held-out contexts’ initial outputs.',
    own
      ? 'Nobody knows of these contexts what a text says: whether feedback was incorporated is not measured.'
      : '“Written” are refinements as the writers of the instruction corpus write them, a program that follows each point of feedback with probability 0.8; they stand for people’s.',
  ],
  tables: [
    table(values, 'refinements', 'Refinements', 'A random pick is the mean over all candidates.', [
      ['winVsInitial', 'won against initial', 'share'],
      ['incorporated', 'incorporated', 'share'],
      ['score', 'score', 'score'],
      ['length', 'characters', 'number'],
    ]),
  ],
  figures: [
    ...dots(
      values,
      'refinements',
      'winVsInitial',
      {
        title: 'Refinements against the initial output',
        axis: 'share won against the initial output',
        unit: 'share',
        rule: { value: 0.5, label: 'draw' },
      },
      {
        'no-feedback': share(59.4),
        'random-pick': share(63.9),
        pick: share(69.1),
        written: share(83.2),
      },
      values.armsOf('refinements').filter(({ id }) => id !== 'initial'),
    ),
    ...dots(
      values,
      'refinements',
      'incorporated',
      { title: 'Feedback incorporated', axis: 'share that incorporates the feedback', unit: 'share' },
      {
        'no-feedback': share(30.8),
        'random-pick': share(49.6),
        pick: share(57.4),
        written: share(74.0),
      },
    ),
  ],
});
