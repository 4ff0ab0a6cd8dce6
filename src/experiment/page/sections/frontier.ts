import type { StudyName } from '../../names.js';
import type { Values } from '../../values.js';
import { type Findings, KL_TO_BASE, SCORE } from './findings.js';

/** What kind of method an arm is, for the frontier. */
const families: [series: string, study: StudyName, arms: RegExp][] = [
  ['ILF', 'targets', /^(ILF|ILF, (random|longest) picks|ILF, \d epochs|posterior-weighted refinements)$/],
  ['supervised', 'targets', /^(initial outputs|gold summaries)$/],
  ['controls', 'targets', /^refinements /],
  ['best-of-n', 'best-of-n', /^π_0/],
  ['ILF + best-of-n', 'best-of-n', /^ILF/],
  ['RL, KL penalty', 'rl', /^RL/],
];

export function frontierFindings(values: Values): Findings {
  const points = families.flatMap(([series, study, arms]) =>
    values
      .armsOf(study)
      .filter((arm) => arms.test(arm))
      .map((label) => ({
        label: label.replace(/^π_0, /, ''),
        series,
        x: values.estimate(study, label, 'klTunedBase'),
        y: values.estimate(study, label, 'score'),
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
