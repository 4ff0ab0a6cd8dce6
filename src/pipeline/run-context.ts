/** Where a loop runs: its folder, its task, its models. And how a step becomes a table that is made only once. */

import type { RankerName } from '../rankers/names.js';
import type { OpenRanker } from '../rankers/open.js';
import type { Json } from '../store/hash.js';
import type { Run } from '../store/run.js';
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
  /** A ranker, opened when first asked for. */
  readonly ranker: (name: RankerName) => Promise<OpenRanker>;
  readonly show: Reporter;
  /** Frees the models, and gives the folder back. */
  close(): Promise<void>;
}

/** What watches the steps: the command line's progress bars. */
export interface Reporter {
  progress: Progress;
  /** A number of a training under way, by its tag: "round-1/loss". */
  scalar(tag: string, step: number, value: number): void;
  /** A step is over (or was not needed). */
  done(step: string, ran: boolean): void;
}

/** What a step's table is made from: earlier tables (by their names), model folders, and values. */
export interface Inputs {
  tables?: readonly string[];
  models?: readonly string[];
  values?: Json;
}

/** A step of the run that makes a table (`name`.arrow), unless it is there, made from the same inputs; reads it. */
export async function tableStep<S extends TableSchema>(
  { folder, show }: RunContext,
  name: string,
  schema: S,
  { tables = [], models = [], values = null }: Inputs,
  make: (progress: Progress) => Promise<readonly RowOf<S>[]>,
): Promise<ReadRowOf<S>[]> {
  const file = `${name}.arrow`;
  const files = [...tables.map((table) => `${table}.arrow`), ...models];
  const ran = await folder.step(name, { values, files }, [file], async () => {
    await writeTable(folder.path(file), schema, await make(show.progress));
  });
  show.done(name, ran);
  // Always what the file holds: rounded to the columns' types, as a resumed run will find it.
  return readTable(folder.path(file), schema);
}

/** A step of the run that makes a folder. */
export async function folderStep(
  { folder, show }: RunContext,
  name: string,
  { tables = [], models = [], values = null }: Inputs,
  make: (dir: string, progress: Progress) => Promise<void>,
): Promise<string> {
  const files = [...tables.map((table) => `${table}.arrow`), ...models];
  const ran = await folder.step(name, { values, files }, [name], () =>
    make(folder.path(name), show.progress),
  );
  show.done(name, ran);
  return folder.path(name);
}
