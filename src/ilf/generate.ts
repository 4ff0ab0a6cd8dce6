/** Step 1: x0 ~ π_θ(·|c). */
import { withModels } from '../pipeline/model-cache.js';
import { samplingOf } from '../pipeline/options.js';
import { formatOf, type OutputFormat, outputIn, type Policy, roomFor } from '../pipeline/policy.js';
import { type Progress, texts } from '../pipeline/progress.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { type Place, seedOf, stepSeed } from '../pipeline/seeds.js';
import { type InitialRow, initialTable, readContexts } from '../pipeline/tables.js';
import { fitting, need, readerOf, type TooLong } from '../pipeline/too-long.js';
import { writeTable } from '../store/tables.js';
import { type Context, contextName, outputPrompt, type Task } from '../tasks/task.js';
import { completionIds, localWriter } from '../writers/local.js';
import { given, type Sampling, type Writer } from '../writers/writer.js';

export interface Generation {
  task: Task;
  sampling: Sampling;
  seed: number;
  /** Whether π_θ writes feedback before an output. */
  writes: OutputFormat;
}

/**
 * x0, sampled or as the context came with it; with its log-probability under π_θ. Where π_θ writes feedback before an output, that
 * is not part of x0, but of the text whose log-probability it is.
 */
export async function generate(
  theta: Required<Writer>,
  contexts: readonly Context[],
  { task, sampling, seed, writes }: Generation,
  progress: Progress,
): Promise<InitialRow[]> {
  const promptOf = (context: Context) => outputPrompt(task.prompts, context);
  const without = contexts.filter(({ output }) => output === undefined);
  const sampled = await theta.write(
    without.map(promptOf),
    1,
    {
      ...sampling,
      maxTokens: roomFor(writes, sampling.maxTokens),
      format: formatOf(task.format, writes),
      seed,
    },
    texts(progress, 'sampling outputs'),
  );
  const written = new Map(without.map(({ id }, i) => [id, sampled[i]![0]!]));
  const all = contexts.map(({ id, output }) => (output === undefined ? written.get(id)! : given(output)));
  const logprobs = await theta.score(contexts.map(promptOf), all, texts(progress, 'scoring outputs'));
  return contexts.map(({ id, output }, i) => ({
    context: id,
    // A part of what was sampled has no tokens of its own.
    ...(writes === 'output' ? all[i]! : given(outputIn(task, all[i]!.text, writes))),
    logprob: logprobs[i]!,
    sampled: output === undefined,
  }));
}

/** The table `folder`/`name`: x0 for the contexts of the table `from`. */
export function generateStep(
  run: RunContext,
  folder: string,
  name: 'initial' | 'outputs',
  { dir, writes }: Policy,
  contexts: readonly Context[],
  from = `${folder}/contexts`,
): Promise<InitialRow[]> {
  const { task, options } = run;
  const sampling = samplingOf(options);
  const seed = stepSeed(options.seed, folder, name);
  const inputs = {
    tables: [from],
    models: [dir],
    values: { ...sampling, seed, writes, format: formatOf(task.format, writes).name },
  };
  return tableStep(run, `${folder}/${name}`, initialTable, inputs, async (progress) => {
    const theta = localWriter(await run.models.get(dir));
    return generate(theta, contexts, { task, sampling, seed, writes }, progress);
  });
}

export interface GenerateCommand extends Omit<Generation, 'seed'> {
  contexts: string;
  /** π_θ's folder. */
  model: string;
  out: string;
  place: Place;
  tooLong: TooLong;
}

export async function generateCommand(
  { contexts: path, model, out, place, tooLong, ...how }: GenerateCommand,
  progress: Progress,
): Promise<void> {
  const all = await readContexts(path);
  const seed = seedOf(place, 'initial');
  const rows = await withModels(async (models) => {
    const theta = await models.get(model);
    const reader = readerOf(theta);
    const { task, writes, sampling } = how;
    const contexts = fitting(
      all,
      'contexts',
      contextName,
      ({ text, output }) => [
        output === undefined
          ? need(reader, roomFor(writes, sampling.maxTokens), task.prompts.write(text))
          : need(reader, completionIds(theta, given(output)).length, task.prompts.write(text)),
      ],
      tooLong,
    );
    return generate(localWriter(theta), contexts, { ...how, seed }, progress);
  });
  await writeTable(out, initialTable, rows);
}
