/** Step 6 of a round: the tuned model's texts on held-out contexts, and everything that is measured on them. */
import {
  type ByKind,
  measureByJudge,
  measureJudgeProbability,
  type OutputScores,
  type PickRates,
} from '../measure/estimates.js';
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
  /** Where an oracle knows what the feedback asks for. */
  rankingIncorporated?: PickRates;
  byKind?: ByKind;
  /** Where outputs have a score, and the contexts that have one. */
  scores?: OutputScores;
  ids?: string[];
  /** The tuned model's outputs on the held-out contexts. */
  outputs: InitialRow[];
}

/** @param quality what the task's scorer says; null where it has none. InstructRM judges what it cannot say. */
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
  const scored = await quality?.ofOutputs(outputs);
  const { refining } = quality ?? {};
  const measured = {
    measures: {
      ...(!quality?.decides && (await judgeOutputs(run, folder, heldOut, outputs))),
      ...scored?.measures,
      ...(!refining && (await judgeRefinements(run, heldOut))),
      ...quality?.measures,
      kl: measureKl(rows, settings),
    },
    ...(refining && { rankingIncorporated: refining.rankingIncorporated, byKind: refining.byKind }),
    ...(scored && { scores: scored.scores, ids: scored.ids }),
    outputs,
  };
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

type Texts = readonly Pick<TextRow, 'context' | 'candidate' | 'text'>[];
const judgeHeldOut = (run: RunContext, heldOut: HeldOut, table: string, texts: Texts) =>
  judgeTexts(run, heldOutTable(`${table}-judged`), [heldOutTable(table)], heldOut, texts);
const single = (rows: readonly { context: string; text: string }[]) =>
  rows.map(({ context, text }) => ({ context, candidate: 0, text }));

async function judgeOutputs(
  run: RunContext,
  folder: string,
  heldOut: HeldOut,
  outputs: readonly InitialRow[],
): Promise<Pick<Measures, 'rankerScore' | 'winRate'>> {
  const { contexts } = heldOut;
  const first = (judged: number[][]) => judged.map(([of]) => of!);
  const base = first(await judgeHeldOut(run, heldOut, 'outputs', single(heldOut.base)));
  const table = `${folder}/outputs`;
  const tuned = first(await judgeTexts(run, `${table}-judged`, [table], heldOut, single(outputs)));
  const places = contexts.flatMap(({ gold }, i) => (gold === undefined ? [] : [i]));
  const referenced = places.map((i) => contexts[i]!);
  const references = referenced.map(({ id, gold }) => ({ context: id, candidate: 0, text: gold! }));
  const of = { ...heldOut, contexts: referenced };
  const gold = () => judgeTexts(run, heldOutTable('gold-judged'), [], of, references).then(first);
  const at = (values: number[]) => places.map((i) => values[i]!);
  return measureByJudge({
    base,
    tuned,
    ...(places.length > 0 && { gold: { base: at(base), tuned: at(tuned), gold: await gold() } }),
  });
}

async function judgeRefinements(
  run: RunContext,
  heldOut: HeldOut,
): Promise<Required<Pick<Measures, 'judgeProbability'>>> {
  return measureJudgeProbability({
    // Its own scores are there already.
    feedback:
      run.options.ranker === 'instruct-rm'
        ? ranksOf(heldOut.contexts, heldOut.scores).map(({ ranks }) => ranks)
        : await judgeHeldOut(run, heldOut, 'refinements', heldOut.refinements),
    noFeedback: await judgeHeldOut(run, heldOut, 'no-feedback', heldOut.noFeedback),
    shuffledFeedback:
      heldOut.shuffledFeedback.length === 0
        ? []
        : await judgeHeldOut(run, heldOut, 'shuffled-feedback', heldOut.shuffledFeedback),
  });
}

/** Every estimate by its path in result.json. */
export function measureRows({
  measures,
  rankingIncorporated,
  byKind,
}: Omit<Measured, 'outputs' | 'ids'>): MeasureRow[] {
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
