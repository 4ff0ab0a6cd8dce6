/** What the tests of the page know of the program: from values to the report, its document, its page and its terminal. */

import { STUDIES, type StudyName } from '../../../src/experiment/names.js';
import { claimRules } from '../../../src/experiment/page/claims.js';
import { documentOf, estimateRows, experimentReport } from '../../../src/experiment/page/report.js';
import { measuredValue } from '../../../src/experiment/value.js';
import { Values } from '../../../src/experiment/values.js';
import { renderExperiment, renderExperimentTerminal } from '../../../src/report/index.js';
import { armLabelled, measureNamed } from '../../experiment/labels.js';
import { made } from './made-values.js';

/** Contexts differ by these, seeds by a hundredth; both add up to nothing. */
const SPREAD = [1, -1, 2, -2];
const SEEDS = [
  [4, -0.01],
  [9, 0.01],
] as const;

/** Of every second arm the other way round, and a little more of each: two arms never differ alike everywhere. */
const spreadOf = (arm: number, i: number) => (arm % 2 === 0 ? 1 : -1) * (0.02 + 0.0001 * arm) * SPREAD[i]!;

/** Predicted and what happened, of two seeds alike. */
export const forecasts = {
  'InstructRM’s score': [
    [0.15, 0],
    [0.35, 1],
    [0.65, 0],
    [0.95, 1],
  ],
  calibrated: [
    [0.05, 1],
    [0.25, 1],
    [0.45, 0],
    [0.85, 0],
  ],
} as const;

/** Every number of made-values.ts as values of two seeds and four contexts, whose mean it is. */
const rows = SEEDS.flatMap(([seed, offset]) => [
  ...made.flatMap(({ study, measures, arms }) =>
    Object.entries(arms).flatMap(([arm, values], a) =>
      measures.flatMap((measure, m) =>
        SPREAD.map((_, i) => ({
          seed,
          study,
          arm,
          measure,
          // The "contexts" of a training are its steps.
          context: measure.startsWith('training') ? String(i + 1) : `context ${i}`,
          value: values[m]! + offset + (measure.startsWith('training') ? i : spreadOf(a, i)),
        })),
      ),
    ),
  ),
  ...Object.entries(forecasts).flatMap(([arm, of]) =>
    of.flatMap(([predicted, happened], i) =>
      Object.entries({ predicted, happened }).map(([measure, value]) => ({
        seed,
        study: 'posterior',
        arm,
        measure,
        context: `context ${i}#0`,
        value,
      })),
    ),
  ),
]);

/** What every reader of values.arrow sees. */
interface Row {
  seed: number;
  study: string;
  arm: string;
  measure: string;
  context: string;
  value: number;
}

/** A row as the studies give it: the program's own arm of this label. */
const whole = ({ seed, study, arm, measure, context, value }: Row) => ({
  seed,
  study,
  ...measuredValue(armLabelled(study as StudyName, arm), measureNamed(measure), context, value),
});

const values = new Values(rows.map(whole));

export const report = experimentReport(values, {
  studies: STUDIES,
  seeds: [4, 9],
  contexts: 4,
  task: null,
  judge: 'oracle: F1 of the post’s six facts',
  caveats: [],
  quick: false,
  command: 'node train.js experiment',
  version: '1.2.3',
  options: { lr: 0.0003 },
  seconds: 65,
});

/** result.json, as a reader has it. */
export const document = JSON.parse(JSON.stringify(documentOf(report, estimateRows(values))));

export const terminal = renderExperimentTerminal(report, { width: 160, color: false });
export const page = () => renderExperiment(report);
export const claimIds = claimRules.map(({ id }) => id);

/** An estimate of a measure that is one half of ten contexts, all the same. */
export function ofHalves(measure: string): { value: number; lo: number; hi: number } {
  const halves = Array.from({ length: 10 }, (_, i) => ({
    seed: 1,
    study: 'targets',
    arm: 'ILF',
    measure,
    context: String(i),
    value: 0.5,
  }));
  return new Values(halves.map(whole)).estimate('targets', 'ilf', measure);
}
