import { dots, share, table } from '../parts.js';
import type { FindingsOf } from './findings.js';

export const rankersFindings: FindingsOf = (values, own) => ({
  id: 'rankers',
  title: 'Rankers',
  text: [
    `Every ranker picks one of the same five refinements of each held-out context. Length is a control that every ranker has to be held against; “oracle” is the pick with the highest ${own ? 'likeness to the reference' : 'score'}, the most that could be had.`,
  ],
  tables: [
    table(values, 'rankers', 'Picks', 'Won against a random refinement of the same context, ties as half.', [
      ['winVsRandom', 'won against random', 'share'],
      ['score', 'score', 'score'],
      ['incorporated', 'incorporated', 'share'],
      ['length', 'characters', 'number'],
    ]),
  ],
  figures: [
    ...dots(
      values,
      'rankers',
      'winVsRandom',
      {
        title: 'What rankers pick',
        axis: 'share won against a random refinement',
        unit: 'share',
        rule: { value: 0.5, label: 'chance' },
      },
      {
        'instruct-rm': share(56.0, 2.9),
        longest: share(65.0, 2.7),
        'embedding-similarity': share(48.3, 2.9),
        'reward-model-bradley-terry': share(61.8),
        'reward-model-yes-no': share(63.3),
      },
    ),
  ],
});
