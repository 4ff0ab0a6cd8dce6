/**
 * Step 6, before anything is judged: what the models write about held-out contexts. The base model's outputs, the
 * refinements and their controls do not depend on what is being learned and are made once for all rounds.
 */
import type { HeldOut } from '../pipeline/held-out.js';
import { samplingOf } from '../pipeline/options.js';
import { priorPolicy } from '../pipeline/policy.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import {
  byContext,
  type FeedbackRow,
  type InitialRow,
  type TextRow,
  textsTable,
  toTextRows,
} from '../pipeline/tables.js';
import type { Context } from '../tasks/task.js';
import { localWriter } from '../writers/local.js';
import { contextsStep } from './contexts.js';
import { feedbackStep } from './feedback.js';
import { generateStep } from './generate.js';
import { rankStep, scoresStep } from './rank.js';
import {
  type FeedbackCondition,
  refinementsNamed,
  sampleCandidates,
  tablesRead,
  toRefine,
} from './refine.js';

/** Its tables' folder in the run. */
const FOLDER = 'heldout';
export const heldOutTable = (table: string) => `${FOLDER}/${table}`;

/** @param from number of the first held-out context */
export async function heldOutTexts(run: RunContext, n: number, from = 0): Promise<HeldOut> {
  const contexts = await contextsStep(run, FOLDER, 'heldout', from, n);
  const theta = priorPolicy(run.options);
  // What the tuned model is compared with is not what the feedback is about: x0 does worst by its own feedback.
  const base = await generateStep(run, FOLDER, 'outputs', theta, contexts.map(withoutOutput));
  const initial = await generateStep(run, FOLDER, 'initial', theta, contexts);
  const feedback = await feedbackStep(run, FOLDER, contexts, initial);
  const refine = (condition: FeedbackCondition) =>
    candidatesStep(run, condition, contexts, initial, feedback);
  const refinements = await refine('own');
  const noFeedback = await refine('none');
  const shuffledFeedback = contexts.length < 2 ? [] : await refine('other');
  const scores = await rankStep(run, FOLDER, { contexts, initial, feedback, texts: refinements });
  return { contexts, base, initial, feedback, refinements, noFeedback, shuffledFeedback, scores };
}

export const withoutOutput = ({ output: _, ...context }: Context): Context => context;

/** Refinements that are only measured. */
function candidatesStep(
  run: RunContext,
  condition: FeedbackCondition,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
): Promise<TextRow[]> {
  const { task, options } = run;
  const { refiner, samples } = options;
  const name = refinementsNamed[condition];
  const sampling = samplingOf(options);
  const seed = stepSeed(options.seed, FOLDER, name);
  const inputs = {
    tables: tablesRead(FOLDER, condition),
    models: [refiner],
    values: { ...sampling, samples, seed, format: task.format.output.name },
  };
  return tableStep(run, heldOutTable(name), textsTable, inputs, async (progress) => {
    const items = toRefine(contexts, initial, feedback, condition);
    const psi = localWriter(await run.models.get(refiner));
    const drawn = await sampleCandidates(psi, items, { task, samples, sampling, seed }, progress);
    return toTextRows(contexts, drawn);
  });
}

/**
 * What InstructRM thinks of texts, as [context][text] in the contexts' order: for tasks without an oracle, whatever the
 * ranker is. The table `name`, made from the held-out ones and `tables`.
 */
export async function judgeTexts(
  run: RunContext,
  name: string,
  tables: readonly string[],
  { contexts, initial, feedback }: HeldOut,
  texts: readonly Pick<TextRow, 'context' | 'candidate' | 'text'>[],
): Promise<number[][]> {
  const all = [...['contexts', 'initial', 'feedback'].map(heldOutTable), ...tables];
  const judged = { contexts, initial, feedback, texts };
  const scores = byContext(await scoresStep(run, name, 'instruct-rm', judged, all));
  return contexts.map(({ id }) => scores.get(id)!.map(({ mean }) => mean));
}
