import { dots, table } from '../parts.js';
import { type FindingsOf, modelMeasures, SCORE } from './findings.js';

export const targetsFindings: FindingsOf = (values, own) => ({
  id: 'targets',
  title: 'What the model is finetuned on',
  text: [
    'One model of each kind, tuned on the same contexts with the same settings; only the texts differ. “Gold summaries” stand for the papers’ human summaries.',
    own
      ? 'Scores are likeness to them, so that nothing can beat them here.'
      : 'They are complete and without error here, which people’s are not, so that win rates against them are near nothing and mean scores are compared instead.',
  ],
  tables: [
    table(
      values,
      'targets',
      'Models by their targets',
      'Held-out contexts; several texts of each model.',
      modelMeasures,
    ),
  ],
  figures: [
    ...dots(values, 'targets', 'score', { title: 'Mean score by target', axis: SCORE, unit: 'score' }),
  ],
});
