/** Between steps 4 and 5: what π_θ is finetuned on, completions with a weight each. */
import { checkScores, readRows } from '../pipeline/read-rows.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { type Place, seedOf, stepSeed } from '../pipeline/seeds.js';
import {
  byContext,
  candidatesByContext,
  feedbackTable,
  initialTable,
  type RefinementRow,
  readContexts,
  refinementsTable,
  type ScoreRow,
  scoresTable,
  type TargetRow,
  targetsTable,
} from '../pipeline/tables.js';
import { UserError } from '../store/errors.js';
import { oneLine } from '../store/read-json.js';
import { type TableSchema, writeTable } from '../store/tables.js';
import type { Prompts } from '../tasks/prompts.js';
import type { Context, Task } from '../tasks/task.js';
import type { Written } from '../writers/writer.js';
import { type FeedbackCondition, refinementsNamed } from './refine.js';
import { type TargetTable, targetKind, type Weighted } from './target-kinds.js';

export interface Target extends Weighted {
  context: Context;
}

/** Rows of the contexts; tables that a kind does not need may be empty. */
export interface TargetData {
  contexts: readonly Context[];
  initial: readonly (Written & { context: string })[];
  feedback: readonly { context: string; text: string }[];
  /** Made with the feedback that the kind asks for, its `condition`. */
  refinements: readonly RefinementRow[];
  scores: readonly ScoreRow[];
}

/**
 * The targets of the kind of this name, in the contexts' order. A context without a text that says something has none.
 * @param beta β of the kind `posterior` @throws UserError for the kind `gold` where a context has no reference
 */
export function targetsOf(
  kind: string,
  { contexts, ...rows }: TargetData,
  how: { beta: number; seed: number; prompts: Prompts },
): Target[] {
  const { of } = targetKind(kind);
  const [initial, feedback] = [byContext(rows.initial), byContext(rows.feedback)];
  const [refinements, scores] = [candidatesByContext(rows.refinements), byContext(rows.scores)];
  return contexts.flatMap((context) => {
    const { id } = context;
    const known = {
      context,
      initial: initial.get(id)?.[0],
      feedback: feedback.get(id)?.[0]?.text,
      refinements: refinements.get(id) ?? [],
      scores: scores.get(id) ?? [],
    };
    return of(known, how).map((weighted) => ({ context, ...weighted }));
  });
}

const toTargetRow = ({ context, written: { text, ids, tokenizer }, weight }: Target): TargetRow => ({
  context: context.id,
  text,
  ids,
  tokenizer,
  weight,
});

/** @throws UserError for a row of another context, or with a weight that is none */
export function fromTargetRows(rows: readonly TargetRow[], contexts: readonly Context[]): Target[] {
  const byId = new Map(contexts.map((context) => [context.id, context]));
  return rows.map(({ context: id, weight, text, ids, tokenizer }, row) => {
    const context = byId.get(id);
    if (!context) throw new UserError(`the targets are of context ${id}, which the contexts have not`);
    if (!(weight > 0 && weight < Number.POSITIVE_INFINITY))
      throw new UserError(
        `row ${row} of the targets, of context ${id}, has the weight ${weight}; it must be above 0`,
      );
    return { context, written: { text, ids: Array.from(ids), tokenizer }, weight };
  });
}

/** Targets, and the tables that they are in: their own and the contexts'. */
export interface TargetSet {
  tables: readonly string[];
  targets: readonly Target[];
}

/** What is learned from some texts: the table `name`, made from tables of the folder `from`. */
export interface TargetsStep {
  name: string;
  kind: string;
  from: string;
  data: TargetData;
  /** Other tables that `data` was read from. */
  also?: readonly string[];
}

export async function targetsStep(
  run: RunContext,
  { name, kind, from, data, also = [] }: TargetsStep,
): Promise<TargetSet> {
  const { tables, condition, reads } = targetKind(kind);
  const { beta, seed: runSeed } = run.options;
  const seed = stepSeed(runSeed, from, 'targets');
  const tableOf = (table: string) =>
    `${from}/${table === 'refinements' ? refinementsNamed[condition] : table}`;
  const inputs = {
    tables: [...['contexts', ...tables].map(tableOf), ...also],
    values: {
      kind,
      contexts: data.contexts.map(({ id }) => id),
      ...(reads.includes('beta') && { beta }),
      ...(reads.includes('seed') && { seed }),
    },
  };
  const rows = await tableStep(run, name, targetsTable, inputs, async () =>
    targetsOf(kind, data, { beta, seed, prompts: run.task.prompts }).map(toTargetRow),
  );
  return { tables: [`${from}/contexts`, name], targets: fromTargetRows(rows, data.contexts) };
}

export interface TargetsCommand extends Record<TargetTable, string | undefined> {
  task: Task;
  kind: string;
  contexts: string;
  out: string;
  beta: number;
  place: Place;
}

/** That refinements were made with the feedback that the kind asks for. @throws UserError for a table that says otherwise, or does not say */
function checkTold(refinements: readonly RefinementRow[], path: string, kind: string): void {
  const { condition } = targetKind(kind);
  const named = {
    own: "the context's own feedback",
    none: 'no feedback',
    other: "another context's feedback",
  };
  // The refinements of most tables from elsewhere were made with feedback: only of the controls it must be said.
  const row = refinements.findIndex(
    ({ told }) => told !== condition && !(told === '' && condition === 'own'),
  );
  if (row < 0) return;
  const { told, context } = refinements[row]!;
  const says =
    told in named
      ? `was made with ${named[told as FeedbackCondition]}`
      : told === ''
        ? 'does not say what the refiner was told (the column told)'
        : `says that the refiner was told "${oneLine(told)}"`;
  throw new UserError(
    `${path}: row ${row}, of context ${context}, ${says}; the targets ${kind} need refinements made with ${named[condition]} (told: "${condition}")`,
  );
}

export async function targetsCommand(of: TargetsCommand): Promise<void> {
  const { tables } = targetKind(of.kind);
  const missing = tables.filter((table) => of[table] === undefined);
  if (missing.length > 0)
    throw new UserError(
      `the targets ${of.kind} are made from ${missing.join(', ')}: give --${missing.join(', --')}`,
    );
  const contexts = await readContexts(of.contexts);
  const read = async <S extends TableSchema & { context: 'key<utf8>' }>(table: TargetTable, schema: S) =>
    tables.includes(table) ? await readRows(of[table]!, schema, contexts, of.contexts) : [];
  const data = {
    contexts,
    initial: await read('initial', initialTable),
    feedback: await read('feedback', feedbackTable),
    refinements: await read('refinements', refinementsTable),
    scores: await read('scores', scoresTable),
  };
  if (tables.includes('refinements')) checkTold(data.refinements, of.refinements!, of.kind);
  if (tables.includes('scores')) checkScores(data.scores, of.scores!, data.refinements, of.refinements!);
  const how = { beta: of.beta, seed: seedOf(of.place, 'targets'), prompts: of.task.prompts };
  await writeTable(of.out, targetsTable, targetsOf(of.kind, data, how).map(toTargetRow));
}
