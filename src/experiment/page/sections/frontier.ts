import type { Arm } from '../../arms.js';
import type { StudyName } from '../../names.js';
import type { Values } from '../../values.js';
import { type Findings, KL_TO_BASE, SCORE } from './findings.js';

/** Kinds of methods: the arms of a study's series. A kind that its arms' labels begin with need not be said again beside each. */
const families: { family: string; study: StudyName; series: string; label?: (arm: Arm) => string }[] = [
  { family: 'ILF', study: 'targets', series: 'ILF' },
  { family: 'supervised', study: 'targets', series: 'supervised' },
  { family: 'controls', study: 'targets', series: 'controls' },
  { family: 'best-of-n', study: 'best-of-n', series: 'π_0', label: ({ x }) => `best of ${x}` },
  { family: 'ILF + best-of-n', study: 'best-of-n', series: 'ILF' },
  { family: 'RL, KL penalty', study: 'rl', series: 'RL' },
];

export function frontierFindings(values: Values): Findings {
  const points = families.flatMap(({ family, study, series, label }) =>
    values.armsOf(study, series).map((arm) => ({
      label: label?.(arm) ?? arm.label,
      series: family,
      x: values.estimate(study, arm.id, 'klTunedBase'),
      y: values.estimate(study, arm.id, 'score'),
    })),
  );
  return {
    id: 'frontier',
    title: 'What each method reached, and how far it went for it',
    text: [
      'Both sides of the Bayesian view on one frontier. ILF and supervised learning minimise KL(target ‖ π_θ), which covers the target’s mass; RL with a KL penalty minimises KL(π_θ ‖ target), which seeks its modes; best-of-n moves no weights and pays at every output. All are measured by the same scores, and by the same exact KL at every prefix of texts that each model itself writes at temperature 1.',
    ],
    tables: [],
    figures: [
      {
        id: 'frontier',
        title: 'Score against distance from the base model',
        caption: `Left is nearer to the base model, up is better. Bars: intervals both ways. Best-of-n’s KL is measured from the ranks of its samples. “Feedback, then refinement” is left out: what it writes before its summary is far from all that the base model would write, which would squeeze the axis; it stands in the table of targets.`,
        kind: 'frontier',
        x: { title: KL_TO_BASE, unit: 'nats' },
        y: { title: SCORE, unit: 'score' },
        points,
      },
    ],
  };
}
