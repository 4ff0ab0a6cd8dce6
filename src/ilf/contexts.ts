/** c: what is learned from, and what is measured on. */
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { contextsTable, fromContextRow, toContextRow } from '../pipeline/tables.js';
import type { Json } from '../store/hash.js';
import { writeTable } from '../store/tables.js';
import type { Context, Task, TaskSplit } from '../tasks/task.js';

/** Contexts number `from` to `from + n − 1` of a split: the table `folder`/contexts. */
export async function contextsStep(
  run: RunContext,
  folder: string,
  split: TaskSplit,
  from: number,
  n: number,
): Promise<Context[]> {
  const contexts = run.task.contexts(split, from, n);
  const rows = contexts.map(toContextRow);
  const values = { contexts: rows } as unknown as Json;
  const table = await tableStep(run, `${folder}/contexts`, contextsTable, { values }, async () => rows);
  const places = new Map(contexts.map(({ id, where }) => [id, where]));
  return table.map(fromContextRow).map((context) => {
    const where = places.get(context.id);
    return where === undefined ? context : { ...context, where };
  });
}

export interface ContextsCommand {
  task: Task;
  split: TaskSplit;
  from: number;
  count: number;
  out: string;
}

export const contextsCommand = ({ task, split, from, count, out }: ContextsCommand): Promise<void> =>
  writeTable(out, contextsTable, task.contexts(split, from, count).map(toContextRow));
