/** Where a run's steps are made: its folder, its task, its models. And how a step becomes a table that is made only once. */

import type { Ranker } from '../rankers/ranker.js';
import type { Json } from '../store/hash.js';
import { moduleFiles } from '../store/plug-in.js';
import type { Run, StepInputs } from '../store/run.js';
import { type ReadRowOf, type RowOf, readTable, type TableSchema, writeTable } from '../store/tables.js';
import type { Task } from '../tasks/task.js';
import type { ModelCache } from './model-cache.js';
import type { LoopOptions } from './options.js';
import type { Progress } from './progress.js';

export interface RunContext {
  readonly options: LoopOptions;
  readonly task: Task;
  /** The run's folder: its finished steps, and the paths in it. */
  readonly folder: Run;
  readonly models: ModelCache;
  /** A ranker with the run's options, opened when first asked for. */
  readonly ranker: (name: string) => Promise<Ranker>;
  readonly reporter: Reporter;
  /** What to tell of the data, after what the models know of them. */
  readonly notices: readonly string[];
  /** Frees the models, and gives the folder back. */
  close(): Promise<void>;
}

/** What is told of steps under way: to the command line's progress bars, to TensorBoard. */
export interface Reporter {
  progress: Progress;
  /** A number of a training under way, by its tag: "round-1/loss". */
  scalar(tag: string, step: number, value: number): void;
  /** A step is over (or was not needed). */
  done(step: string, ran: boolean): void;
  /** A line that a person should read before the run's results. */
  notice?(line: string): void;
}

/** What a step's table is made from: earlier tables (by their names), model folders, and values. */
export interface Inputs {
  tables?: readonly string[];
  models?: readonly string[];
  /** Modules of a person's own that the step calls, by their paths; names of a registry are passed over. */
  modules?: readonly (string | null)[];
  values?: Json;
}

/**
 * What a step is known by: its values, and the contents of its files. A task of a person's own is one of these. Where a model
 * computes, so is what computes it: engines and precisions differ in the last digits, and then in what is sampled.
 */
const keyOf = (
  { options: { task, engine, precision } }: RunContext,
  { tables = [], models = [], modules = [], values = null }: Inputs,
): StepInputs => ({
  values: models.length > 0 ? { values, engine, precision } : values,
  files: [...tables.map((table) => `${table}.arrow`), ...models, ...moduleFiles(task, ...modules)],
});

/** A step of the run that makes a table (`name`.arrow), unless it is there, made from the same inputs; reads it. */
export async function tableStep<S extends TableSchema>(
  run: RunContext,
  name: string,
  schema: S,
  inputs: Inputs,
  make: (progress: Progress) => Promise<readonly RowOf<S>[]>,
): Promise<ReadRowOf<S>[]> {
  const { folder, reporter } = run;
  const file = `${name}.arrow`;
  const ran = await folder.step(name, keyOf(run, inputs), [file], async () => {
    await writeTable(folder.path(file), schema, await make(reporter.progress));
  });
  reporter.done(name, ran);
  // Always what the file holds: rounded to the columns' types, as a resumed run will find it.
  return readTable(folder.path(file), schema);
}

/** A step of the run that makes a folder. */
export async function folderStep(
  run: RunContext,
  name: string,
  inputs: Inputs,
  make: (dir: string, progress: Progress) => Promise<void>,
): Promise<string> {
  const { folder, reporter } = run;
  const path = folder.path(name);
  const ran = await folder.step(name, keyOf(run, inputs), [name], () => make(path, reporter.progress));
  reporter.done(name, ran);
  return path;
}
