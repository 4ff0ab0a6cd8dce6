import { lines, table } from '../parts.js';
import { type FindingsOf, modelMeasures, SCORE } from './findings.js';

export const roundsFindings: FindingsOf = (values) => ({
  id: 'rounds',
  title: 'Rounds',
  text: [
    'The same number of contexts in all, divided into rounds whose initial outputs come from the last round’s model. “Continue” tunes that model on the round’s targets; “retrain” tunes the base model on those of all rounds so far.',
  ],
  tables: [table(values, 'rounds', 'Models after each round', '', modelMeasures)],
  figures: [
    {
      id: 'rounds-score',
      title: 'Score by round',
      caption: '',
      kind: 'lines',
      x: { title: 'round' },
      y: { title: SCORE, unit: 'score' },
      series: lines(values, 'rounds', 'score'),
    },
  ],
});
