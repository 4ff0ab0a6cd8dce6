/**
 * Step 6, before anything is judged: what the models write about held-out contexts. The base model's outputs, the
 * refinements and their controls do not depend on what is being learned and are made once for all rounds.
 */

import { samplingOf } from '../pipeline/options.js';
import { priorPolicy } from '../pipeline/policy.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import {
  byContext,
  type FeedbackRow,
  type InitialRow,
  initialTable,
  type ScoreRow,
  type TextRow,
  textsTable,
  toTextRows,
} from '../pipeline/tables.js';
import type { Context } from '../tasks/task.js';
import { generate } from './generate.js';
import { type FeedbackCondition, sampleCandidates, type ToRefine, toRefine } from './refine.js';
import { contextsStep, feedbackStep, generateStep, rankStep, refinementsNamed, scoresStep } from './steps.js';

/** Its tables' folder in the run. */
const FOLDER = 'heldout';
export const heldOutTable = (table: string) => `${FOLDER}/${table}`;

/** Rows are in the order of `contexts`; refinements have `samples` rows for each. */
export interface HeldOut {
  contexts: Context[];
  /** π_0's outputs. */
  base: InitialRow[];
  /** x0: the outputs that came with the contexts, else π_0's. */
  initial: InitialRow[];
  feedback: FeedbackRow[];
  refinements: TextRow[];
  noFeedback: TextRow[];
  /** With another context's feedback; none where there is no other context. */
  shuffledFeedback: TextRow[];
  /** The run's ranker on `refinements`. */
  scores: ScoreRow[];
}

/** @param from number of the first held-out context */
export async function heldOutTexts(run: RunContext, n: number, from = 0): Promise<HeldOut> {
  const contexts = await contextsStep(run, FOLDER, 'heldout', from, n);
  const base = await generateStep(
    run,
    FOLDER,
    'outputs',
    priorPolicy(run.options),
    contexts.map(withoutOutput),
  );
  const initial = await initialStep(run, contexts, base);
  const feedback = await feedbackStep(run, FOLDER, contexts, initial);
  const refine = (told: FeedbackCondition) =>
    candidatesStep(run, refinementsNamed[told], toRefine(contexts, initial, feedback, told));
  const refinements = await refine('own');
  const noFeedback = await refine('none');
  const shuffledFeedback = contexts.length < 2 ? [] : await refine('other');
  const scores = await rankStep(run, FOLDER, contexts, initial, feedback, refinements);
  return { contexts, base, initial, feedback, refinements, noFeedback, shuffledFeedback, scores };
}

/** x0: what came with the contexts, scored under π_0, and π_0's own outputs for the others. */
function initialStep(run: RunContext, contexts: readonly Context[], base: readonly InitialRow[]) {
  const given = contexts.filter(({ output }) => output !== undefined);
  const inputs = { tables: [heldOutTable('contexts'), heldOutTable('outputs')], models: [run.options.base] };
  return tableStep(run, heldOutTable('initial'), initialTable, inputs, async (progress) => {
    if (given.length === 0) return base;
    const model = await run.models.get(run.options.base);
    const rows = await generate(model, given, samplingOf(run.options), 0, progress);
    const byId = new Map(rows.map((row) => [row.context, row]));
    return base.map((row) => byId.get(row.context) ?? row);
  });
}

export const withoutOutput = ({ output: _, ...context }: Context): Context => context;

function candidatesStep(run: RunContext, name: string, items: readonly ToRefine[]): Promise<TextRow[]> {
  const { instruct, samples } = run.options;
  const sampling = samplingOf(run.options);
  const seed = stepSeed(run.options.seed, FOLDER, name);
  const inputs = {
    tables: [heldOutTable('contexts'), heldOutTable('initial'), heldOutTable('feedback')],
    models: [instruct],
    values: { ...sampling, samples, seed },
  };
  return tableStep(run, heldOutTable(name), textsTable, inputs, async (progress) => {
    const refiner = await run.models.get(instruct);
    const drawn = await sampleCandidates(refiner, items, samples, sampling, seed, progress);
    return toTextRows(
      items.map(({ context }) => context),
      drawn,
    );
  });
}

/**
 * What InstructRM thinks of texts, as [context][text] in the contexts' order: for tasks without an oracle, whatever the
 * ranker is.
 */
export async function judgeTexts(
  run: RunContext,
  name: string,
  tables: readonly string[],
  { contexts, initial, feedback }: HeldOut,
  texts: readonly TextRow[],
): Promise<number[][]> {
  const all = [...['contexts', 'initial', 'feedback'].map(heldOutTable), ...tables];
  const rows = await scoresStep(run, name, 'instruct-rm', all, contexts, initial, feedback, texts);
  const scores = byContext(rows);
  return contexts.map(({ id }) => scores.get(id)!.map(({ mean }) => mean));
}
