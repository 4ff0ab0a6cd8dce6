/** Step 6 of a round: the tuned model's texts on held-out contexts, and everything that is measured on them. */
import { type ByKind, measureByJudge, type OutputScores, type PickRates } from '../measure/estimates.js';
import { klStep, measureKl } from '../measure/kl.js';
import type { Quality } from '../measure/quality.js';
import { type HeldOut, ranksOf } from '../pipeline/held-out.js';
import type { Policy } from '../pipeline/policy.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { type InitialRow, type MeasureRow, measuresTable, type TextRow } from '../pipeline/tables.js';
import type { Measures } from '../report/run/types.js';
import { generateStep } from './generate.js';
import { heldOutTable, judgeTexts, withoutOutput } from './heldout.js';

/** What is known after a round. */
export interface Measured {
  measures: Measures;
  /** With an oracle only. */
  rankingIncorporated?: PickRates;
  byKind?: ByKind;
  scores?: OutputScores;
  /** The tuned model's outputs on the held-out contexts. */
  outputs: InitialRow[];
}

/** @param quality the task's oracle; null where InstructRM has to judge */
export async function measureStep(
  run: RunContext,
  folder: string,
  tuned: Policy,
  heldOut: HeldOut,
  quality: Quality | null,
): Promise<Measured> {
  const from = heldOutTable('contexts');
  const contexts = heldOut.contexts.map(withoutOutput);
  const outputs = await generateStep(run, folder, 'outputs', tuned, contexts, from);
  const { rows, settings } = await klStep(run, folder, tuned, contexts, from);
  const kl = measureKl(rows, settings);
  const judged = quality
    ? await measureWithOracle(quality, outputs)
    : { measures: await measureWithJudge(run, folder, heldOut, outputs) };
  const measured = { ...judged, measures: { ...judged.measures, kl }, outputs };
  const found = measureRows(measured);
  await tableStep(
    run,
    `${folder}/measures`,
    measuresTable,
    { values: JSON.stringify(found) },
    async () => found,
  );
  return measured;
}

async function measureWithOracle({ refining, ofOutputs }: Quality, outputs: readonly InitialRow[]) {
  const { measures, scores } = await ofOutputs(outputs);
  const { rankingIncorporated, byKind } = refining;
  return { measures: { ...measures, ...refining.measures }, rankingIncorporated, byKind, scores };
}

async function measureWithJudge(
  run: RunContext,
  folder: string,
  heldOut: HeldOut,
  outputs: readonly InitialRow[],
): Promise<Measures> {
  const single = (rows: readonly InitialRow[]) =>
    rows.map(({ context, text }) => ({ context, candidate: 0, text }));
  const judgeHeldOut = (table: string, texts: readonly Pick<TextRow, 'context' | 'candidate' | 'text'>[]) =>
    judgeTexts(run, heldOutTable(`${table}-judged`), [heldOutTable(table)], heldOut, texts);
  return measureByJudge({
    base: await judgeHeldOut('outputs', single(heldOut.base)),
    tuned: await judgeTexts(run, `${folder}/outputs-judged`, [`${folder}/outputs`], heldOut, single(outputs)),
    // Its own scores are there already.
    feedback:
      run.options.ranker === 'instruct-rm'
        ? ranksOf(heldOut.contexts, heldOut.scores).map(({ ranks }) => ranks)
        : await judgeHeldOut('refinements', heldOut.refinements),
    noFeedback: await judgeHeldOut('no-feedback', heldOut.noFeedback),
    shuffledFeedback:
      heldOut.shuffledFeedback.length === 0
        ? []
        : await judgeHeldOut('shuffled-feedback', heldOut.shuffledFeedback),
  });
}

/** Every estimate by its path in result.json. */
export function measureRows({
  measures,
  rankingIncorporated,
  byKind,
}: Omit<Measured, 'outputs'>): MeasureRow[] {
  const rows: MeasureRow[] = [];
  const visit = (path: string, value: unknown): void => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return;
    if ('lo' in value && 'hi' in value) {
      const { value: estimate, lo, hi, n } = value as Omit<MeasureRow, 'measure'>;
      rows.push({ measure: path, value: estimate, lo, hi, n });
    } else for (const [key, child] of Object.entries(value)) visit(path ? `${path}.${key}` : key, child);
  };
  visit('', measures);
  visit('ranking.incorporated', rankingIncorporated);
  visit('incorporated.byKind', byKind);
  return rows;
}
