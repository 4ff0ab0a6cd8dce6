import { lines, table } from '../parts.js';
import { type FindingsOf, KL_TO_BASE, modelMeasures, SCORE } from './findings.js';

export const sizesFindings: FindingsOf = (values) => ({
  id: 'sizes',
  title: 'Sample efficiency',
  text: ['The same models by the number of contexts that they learn from.'],
  tables: [table(values, 'sizes', 'By the number of contexts', '', modelMeasures)],
  figures: [
    {
      id: 'sizes-score',
      title: 'Score by the number of contexts',
      caption: '',
      kind: 'lines',
      x: { title: 'contexts to learn from', log: true },
      y: { title: SCORE, unit: 'score' },
      series: lines(values, 'sizes', 'score'),
    },
    {
      id: 'sizes-kl',
      title: 'Distance by the number of contexts',
      caption: '',
      kind: 'lines',
      x: { title: 'contexts to learn from', log: true },
      y: { title: KL_TO_BASE, unit: 'nats' },
      series: lines(values, 'sizes', 'klTunedBase'),
    },
  ],
});
