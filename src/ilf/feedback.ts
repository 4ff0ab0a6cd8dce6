/** Step 2: f on (c, x0), from a source of feedback (src/feedback). */
import { CRITIQUE_TOKENS } from '../feedback/critic.js';
import { findSource } from '../feedback/registry.js';
import type { FeedbackSource } from '../feedback/source.js';
import { withModels } from '../pipeline/model-cache.js';
import { samplingOf } from '../pipeline/options.js';
import { type Progress, texts } from '../pipeline/progress.js';
import { readRows } from '../pipeline/read-rows.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { type Place, seedOf, stepSeed } from '../pipeline/seeds.js';
import {
  type FeedbackRow,
  feedbackTable,
  type InitialRow,
  initialTable,
  readContexts,
  rowOf,
  toContextRow,
} from '../pipeline/tables.js';
import { fitting, inTables, need, readerOf, type TooLong } from '../pipeline/too-long.js';
import { writeTable } from '../store/tables.js';
import { type Context, contextName, type Task } from '../tasks/task.js';
import { localWriter } from '../writers/local.js';
import type { Sampling } from '../writers/writer.js';

/** What the source says of each context's x0. */
export async function giveFeedback(
  source: FeedbackSource,
  contexts: readonly Context[],
  initial: (context: Context) => { text: string },
): Promise<FeedbackRow[]> {
  const items = contexts.map((context) => ({ context, output: initial(context).text }));
  const annotations = await source.annotate(items);
  return annotations.map(({ text, points }, i) => ({
    context: contexts[i]!.id,
    text,
    source: source.name,
    points: points === undefined ? '' : JSON.stringify(points),
  }));
}

/** The table `folder`/feedback. */
export async function feedbackStep(
  run: RunContext,
  folder: string,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
): Promise<FeedbackRow[]> {
  const { task, options } = run;
  const sampling = samplingOf(options);
  const seed = stepSeed(options.seed, folder, 'feedback');
  const source = await findSource(options.feedback, task, contexts);
  const { critic, values } = source.inputs(contexts, { sampling, seed });
  const wordsOf = rowOf(initial, `${folder}/initial`);
  const inputs = {
    models: critic ? [options.critic] : [],
    modules: [options.feedback],
    // What is read of both tables, and no more: a person is not asked again because an output's log-probability is another.
    values: {
      source: source.name,
      from: values,
      ...(critic && { format: task.format.feedback.name }),
      items: contexts.map((context) => {
        const { output: _, gold: __, ...row } = toContextRow(context);
        return [row, wordsOf(context).text];
      }),
    },
  };
  return tableStep(run, `${folder}/feedback`, feedbackTable, inputs, (progress) => {
    const open = async () => localWriter(await run.models.get(options.critic));
    const onTexts = texts(progress, 'writing critiques');
    const opened = source.open({ task, critic: open, sampling, seed, onTexts });
    return giveFeedback(opened, contexts, wordsOf);
  });
}

export interface FeedbackCommand {
  task: Task;
  contexts: string;
  initial: string;
  /** The source's name; null: the first that serves. */
  source: string | null;
  /** The critic's folder. */
  critic: string;
  out: string;
  sampling: Sampling;
  place: Place;
  tooLong: TooLong;
}

export async function feedbackCommand(of: FeedbackCommand, progress: Progress): Promise<void> {
  const { task, critic, sampling } = of;
  const all = await readContexts(of.contexts);
  const rowsRead = await readRows(of.initial, initialTable, all, of.contexts);
  const initial = rowOf(rowsRead, of.initial);
  const there = inTables(all, of.tooLong, rowsRead);
  const source = await findSource(of.source, task, there);
  const rows = await withModels(async (models) => {
    const open = async () => localWriter(await models.get(critic));
    const seed = seedOf(of.place, 'feedback');
    const asked = (context: Context) => source.inputs([context], { sampling, seed }).critic;
    const reader = there.some(asked) ? readerOf(await models.get(critic)) : null;
    const prompt = (context: Context) => task.prompts.critique(context.text, initial(context).text);
    const contexts = fitting(
      there,
      'contexts',
      contextName,
      (context) => (reader && asked(context) ? [need(reader, CRITIQUE_TOKENS, prompt(context))] : []),
      of.tooLong,
    );
    const onTexts = texts(progress, 'writing critiques');
    return giveFeedback(source.open({ task, critic: open, sampling, seed, onTexts }), contexts, initial);
  });
  await writeTable(of.out, feedbackTable, rows);
}
