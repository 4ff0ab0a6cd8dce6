import type { Figure } from '../../../report/charts/figures.js';
import type { Values } from '../../values.js';
import { places, table } from '../parts.js';
import type { FindingsOf } from './findings.js';

export const klFindings: FindingsOf = (values) => ({
  id: 'kl',
  title: 'How far finetuning moves the model',
  text: [
    'As the papers measured it: texts of 64 tokens that continue nothing. Rao–Blackwellised, and by k1, the papers’ estimator, whose scatter is the reason that theirs differ from run to run. The other tables’ KLs are conditional on held-out prompts.',
  ],
  tables: [
    table(values, 'kl', 'Unconditional KL, nats a text', 'Texts of at most 64 tokens at temperature 1.', [
      ['klTunedBase', 'KL(model ‖ base)', 'nats'],
      ['klTunedBaseK1', 'the same by k1', 'nats'],
      ['klBaseTuned', 'KL(base ‖ model)', 'nats'],
      ['klBaseTunedK1', 'the same by k1', 'nats'],
    ]),
  ],
  figures: [
    {
      id: 'kl-position',
      title: 'Where in a text the KL is',
      caption:
        'Exact KL(model ‖ base) at each position, given held-out prompts; texts that have ended count 0. Summed over positions: the KL of a text.',
      kind: 'lines',
      x: { title: 'token of the text' },
      y: { title: 'KL, nats', unit: 'nats' },
      series: values.armsOf('kl').map(({ id, label }) => ({
        name: label,
        points: places(values, 'kl', id, 'position'),
      })),
    },
    ...tokensFigure(values),
  ],
});

/** Tokens that are shown, of those that were among the largest contributions with every seed. */
const SHOWN_TOKENS = 12;

/** The tokens that carry most of ILF's KL, where the same ones do with every seed. */
function tokensFigure(values: Values): Figure[] {
  const seeds = values.has('kl', 'ilf', 'klTunedBase') ? values.matrix('kl', 'ilf', 'klTunedBase').length : 0;
  const points = values
    .measuresOf('kl', 'ilf', 'token')
    .filter(({ name }) => values.matrix('kl', 'ilf', name).length === seeds)
    .map(({ name, place }) => ({ label: place, estimate: values.estimate('kl', 'ilf', name) }))
    .sort((a, b) => Math.abs(b.estimate.value) - Math.abs(a.estimate.value))
    .slice(0, SHOWN_TOKENS);
  if (points.length === 0) return [];
  const caption =
    'Each token’s part of KL(ILF ‖ base) by k1, on ILF’s texts given held-out prompts: the largest of either sign (␣ is a space). That these are the largest is not accounted for in their intervals.';
  const title = 'Tokens that carry most of ILF’s KL';
  return [{ id: 'kl-tokens', title, caption, kind: 'dots', axis: 'nats a text', unit: 'nats', points }];
}
