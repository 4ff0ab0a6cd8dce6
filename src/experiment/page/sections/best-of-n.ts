import { lines, table } from '../parts.js';
import { type FindingsOf, SCORE } from './findings.js';

export const bestOfNFindings: FindingsOf = (values) => ({
  id: 'best-of-n',
  title: 'Best-of-n',
  text: [
    'Of n samples the one with the highest reward (Bradley–Terry). Expectations over all n-subsets of the samples; KL from the exact distribution of the pick over their ranks, beside the bound log n − (n − 1)/n, which ties keep it below.',
  ],
  tables: [
    table(values, 'best-of-n', 'Best-of-n', '', [
      ['score', 'score', 'score'],
      ['winVsBase', 'won against base', 'share'],
      ['klTunedBase', 'KL(picked ‖ base)', 'nats'],
      ['klBound', 'bound', 'nats'],
      ['length', 'characters', 'number'],
    ]),
  ],
  figures: [
    {
      id: 'best-of-n-score',
      title: 'Score of the pick by n',
      caption: '',
      kind: 'lines',
      x: { title: 'n', log: true },
      y: { title: SCORE, unit: 'score' },
      series: lines(values, 'best-of-n', 'score'),
    },
    {
      id: 'best-of-n-kl',
      title: 'KL of best-of-n: measured, and the bound',
      caption: '',
      kind: 'lines',
      x: { title: 'n', log: true },
      y: { title: 'KL to the base model, nats', unit: 'nats' },
      series: [
        { name: 'measured', measure: 'klTunedBase' },
        { name: 'bound', measure: 'klBound' },
      ].flatMap(({ name, measure }) =>
        lines(values, 'best-of-n', measure, values.armsOf('best-of-n', 'π_0')).map((of) => ({ ...of, name })),
      ),
    },
  ],
});
