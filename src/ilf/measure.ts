/** Step 6 of a round: the tuned model's texts on held-out contexts, and everything that is measured on them. */

import {
  type ByKind,
  measureByJudge,
  measureOutputs,
  measureRefining,
  type PickRates,
  type RefinedPost,
  scoreOutputs,
} from '../measure/estimates.js';
import { type KlSettings, klSettings, measureKl, sampleForKl } from '../measure/kl.js';
import { type Oracle, oracleOf } from '../measure/scorer.js';
import { type Policy, roomFor } from '../pipeline/policy.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import {
  byContext,
  type InitialRow,
  type KlRow,
  klTable,
  type MeasureRow,
  measuresTable,
} from '../pipeline/tables.js';
import type { Measures } from '../report/run/types.js';
import { type HeldOut, heldOutTable, judgeTexts, withoutOutput } from './heldout.js';
import { generateStep } from './steps.js';

/** What is known after a round. */
export interface Measured {
  measures: Measures;
  /** With an oracle only. */
  rankingIncorporated?: PickRates;
  byKind?: ByKind;
  /** Oracle scores of single outputs [context]. */
  scores?: ReturnType<typeof scoreOutputs>;
  /** The tuned model's outputs on the held-out contexts. */
  outputs: InitialRow[];
}

export async function measureStep(
  run: RunContext,
  folder: string,
  tuned: Policy,
  heldOut: HeldOut,
): Promise<Measured> {
  const { contexts } = heldOut;
  const outputs = await generateStep(
    run,
    folder,
    'outputs',
    tuned,
    contexts.map(withoutOutput),
    heldOutTable('contexts'),
  );
  const { rows, settings } = await klStep(run, folder, tuned, heldOut);
  const kl = measureKl(rows, settings);
  const oracle = oracleOf(run.task.name, contexts);
  const quality = oracle
    ? measureWithOracle(oracle, heldOut, outputs)
    : { measures: await measureWithJudge(run, folder, heldOut, outputs), outputs };
  const measured = { ...quality, measures: { ...quality.measures, kl } };
  await tableStep(
    run,
    `${folder}/measures`,
    measuresTable,
    { values: JSON.stringify(measureRows(measured)) },
    async () => measureRows(measured),
  );
  return measured;
}

/** Texts of a model and of π_0 on the held-out contexts, for both KLs: the table `folder`/kl, and how they were sampled. */
export async function klStep(
  run: RunContext,
  folder: string,
  { dir, writes }: Policy,
  { contexts }: HeldOut,
): Promise<{ rows: KlRow[]; settings: KlSettings }> {
  const { seed, base } = run.options;
  // One limit for both: what is compared are distributions over texts of so many tokens.
  const maxTokens = roomFor(writes, run.options.maxTokens);
  const settings = klSettings(maxTokens, (direction) => stepSeed(seed, folder, direction));
  const inputs = {
    tables: [heldOutTable('contexts')],
    models: [dir, base],
    values: { ...settings.tunedFromBase, other: settings.baseFromTuned.seed },
  };
  const rows = await tableStep(run, `${folder}/kl`, klTable, inputs, async (progress) =>
    sampleForKl(await run.models.get(dir), await run.models.get(base), contexts, settings, progress),
  );
  return { rows, settings };
}

/** The refinements of each held-out context with what the oracle and the ranker need. */
export function refinedPosts(heldOut: HeldOut): RefinedPost[] {
  const texts = (rows: readonly { context: string; text: string }[]) => {
    const groups = byContext(rows);
    return (id: string) => (groups.get(id) ?? []).map(({ text }) => text);
  };
  const [feedback, noFeedback, shuffled] = [
    texts(heldOut.refinements),
    texts(heldOut.noFeedback),
    texts(heldOut.shuffledFeedback),
  ];
  const scores = byContext(heldOut.scores);
  return heldOut.contexts.map((context, i) => ({
    context,
    points: JSON.parse(heldOut.feedback[i]!.points || 'null') as unknown,
    feedback: feedback(context.id),
    noFeedback: noFeedback(context.id),
    shuffledFeedback: shuffled(context.id),
    scores: scores.get(context.id)!.map(({ mean }) => mean),
    selected: scores.get(context.id)!.findIndex(({ selected }) => selected),
  }));
}

function measureWithOracle(oracle: Oracle, heldOut: HeldOut, outputs: InitialRow[]): Measured {
  const text = (row: InitialRow) => row.text;
  const scores = scoreOutputs(oracle, heldOut.contexts, {
    base: heldOut.base.map(text),
    tuned: outputs.map(text),
  });
  const { rankingIncorporated, byKind, ...refining } = measureRefining(oracle, refinedPosts(heldOut));
  return {
    measures: { ...measureOutputs(scores), ...refining },
    rankingIncorporated,
    byKind,
    scores,
    outputs,
  };
}

async function measureWithJudge(
  run: RunContext,
  folder: string,
  heldOut: HeldOut,
  outputs: InitialRow[],
): Promise<Measures> {
  const single = (rows: InitialRow[]) => rows.map(({ context, text }) => ({ context, candidate: 0, text }));
  const held = (name: string) => [heldOutTable(name)];
  const judge = (name: string, tables: string[], texts: Parameters<typeof judgeTexts>[4]) =>
    judgeTexts(run, name, tables, heldOut, texts);
  const scores = byContext(heldOut.scores);
  return measureByJudge({
    base: await judge(heldOutTable('outputs-judged'), held('outputs'), single(heldOut.base)),
    tuned: await judge(`${folder}/outputs-judged`, [`${folder}/outputs`], single(outputs)),
    feedback:
      run.options.ranker === 'instruct-rm'
        ? heldOut.contexts.map(({ id }) => scores.get(id)!.map(({ mean }) => mean))
        : await judge(heldOutTable('refinements-judged'), held('refinements'), heldOut.refinements),
    noFeedback: await judge(heldOutTable('no-feedback-judged'), held('no-feedback'), heldOut.noFeedback),
    shuffledFeedback:
      heldOut.shuffledFeedback.length === 0
        ? []
        : await judge(
            heldOutTable('shuffled-feedback-judged'),
            held('shuffled-feedback'),
            heldOut.shuffledFeedback,
          ),
  });
}

/** Every estimate by its path in result.json. */
export function measureRows({ measures, rankingIncorporated, byKind }: Measured): MeasureRow[] {
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
