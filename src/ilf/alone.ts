/**
 * Steps run alone, on tables given by their paths: the same functions, and the same seeds, as in a run of the loop.
 */

import { withModels } from '../pipeline/model-cache.js';
import { type LoopOptions, type RankerChoice, rankerModelsOf, trainedRanker } from '../pipeline/options.js';
import type { OutputFormat } from '../pipeline/policy.js';
import type { Progress } from '../pipeline/progress.js';
import { type Place, seedOf } from '../pipeline/seeds.js';
import {
  contextsTable,
  feedbackTable,
  initialTable,
  readContexts,
  refinementsTable,
  scoresTable,
  targetsTable,
  toContextRow,
} from '../pipeline/tables.js';
import type { TargetsName } from '../pipeline/targets-names.js';
import { openRanker } from '../rankers/open.js';
import { UserError } from '../store/errors.js';
import { type ReadRowOf, readTable, type TableSchema, writeTable } from '../store/tables.js';
import { briefs } from '../tasks/briefs/task.js';
import { openTask } from '../tasks/open.js';
import type { Context, TaskSplit } from '../tasks/task.js';
import { openModel } from '../writers/text-model.js';
import type { Sampling } from '../writers/texts.js';
import { chooseSource, giveFeedback } from './feedback.js';
import { finetune, type Tuning } from './finetune.js';
import { generate } from './generate.js';
import { rank, toRank } from './rank.js';
import { refine, toRefine } from './refine.js';
import { fromTargetRows, type TargetTable, tablesFor, targetsOf, toTargetRow } from './targets.js';

export async function contextsAlone(
  data: string | null,
  split: TaskSplit,
  from: number,
  count: number,
  out: string,
): Promise<void> {
  const task = await openTask(data);
  await writeTable(out, contextsTable, task.contexts(split, from, count).map(toContextRow));
}

/** A table with one row for each context, in the contexts' order. @throws UserError where one is missing */
async function readFor<S extends TableSchema & { context: 'utf8' }>(
  contexts: readonly Context[],
  path: string,
  schema: S,
): Promise<ReadRowOf<S>[]> {
  const rows = new Map((await readTable(path, schema)).map((row) => [row.context as unknown as string, row]));
  return contexts.map(({ id }) => {
    const row = rows.get(id);
    if (!row) throw new UserError(`${path} has no row for context ${id}; it was made from other contexts`);
    return row;
  });
}

export async function generateAlone(
  paths: { contexts: string; model: string; out: string },
  sampling: Sampling,
  place: Place,
  writes: OutputFormat,
  progress: Progress,
): Promise<void> {
  const contexts = await readContexts(paths.contexts);
  const seed = seedOf(place, 'initial');
  const rows = await withModels(async (models) =>
    generate(await models.get(paths.model), contexts, sampling, seed, progress, writes),
  );
  await writeTable(paths.out, initialTable, rows);
}

export async function feedbackAlone(
  paths: { contexts: string; initial: string; instruct: string; out: string },
  sampling: Sampling,
  place: Place,
  progress: Progress,
): Promise<void> {
  const contexts = await readContexts(paths.contexts);
  const initial = await readFor(contexts, paths.initial, initialTable);
  // Contexts whose facts are known are the embedded world's.
  const known = contexts.every(({ facts }) => facts !== undefined);
  const rows = await withModels((models) => {
    const instruct = () => models.get(paths.instruct);
    const seed = seedOf(place, 'feedback');
    const source = chooseSource(known ? briefs : {}, instruct, sampling, seed, progress);
    return giveFeedback(source, contexts, initial);
  });
  await writeTable(paths.out, feedbackTable, rows);
}

export async function refineAlone(
  paths: {
    contexts: string;
    initial: string;
    feedback: string;
    instruct: string;
    base: string;
    out: string;
  },
  samples: number,
  sampling: Sampling,
  place: Place,
  progress: Progress,
): Promise<void> {
  const contexts = await readContexts(paths.contexts);
  const initial = await readFor(contexts, paths.initial, initialTable);
  const feedback = await readFor(contexts, paths.feedback, feedbackTable);
  const rows = await withModels(async (models) => {
    const [refiner, base] = [await models.get(paths.instruct), await models.get(paths.base)];
    const items = toRefine(contexts, initial, feedback);
    return refine(refiner, base, items, samples, sampling, seedOf(place, 'refine'), progress);
  });
  await writeTable(paths.out, refinementsTable, rows);
}

export async function rankAlone(
  paths: {
    contexts: string;
    initial: string;
    feedback: string;
    refinements: string;
    out: string;
  },
  options: RankerChoice & Pick<LoopOptions, 'instruct' | 'seed'>,
  progress: Progress,
): Promise<void> {
  trainedRanker(options);
  const contexts = await readContexts(paths.contexts);
  const initial = await readFor(contexts, paths.initial, initialTable);
  const feedback = await readFor(contexts, paths.feedback, feedbackTable);
  const refinements = await readTable(paths.refinements, refinementsTable);
  const items = toRank(contexts, initial, feedback, refinements);
  const empty = items.find(({ group }) => group.length === 0);
  if (empty) throw new UserError(`${paths.refinements} has no refinement of context ${empty.id}`);
  const ranker = await openRanker(options.ranker, rankerModelsOf(options));
  try {
    await writeTable(paths.out, scoresTable, await rank(ranker, items, progress));
  } finally {
    await ranker.close();
  }
}

export async function targetsAlone(
  kind: TargetsName,
  paths: { contexts: string; out: string } & Record<TargetTable, string | undefined>,
  beta: number,
  place: Place,
): Promise<void> {
  const missing = tablesFor[kind].filter((table) => paths[table] === undefined);
  if (missing.length > 0)
    throw new UserError(
      `the targets ${kind} are made from ${missing.join(', ')}: give --${missing.join(', --')}`,
    );
  const contexts = await readContexts(paths.contexts);
  const needed = (table: TargetTable) => (tablesFor[kind].includes(table) ? paths[table] : undefined);
  const [initial, feedback] = [needed('initial'), needed('feedback')];
  const [refinements, scores] = [needed('refinements'), needed('scores')];
  const data = {
    contexts,
    initial: initial === undefined ? [] : await readFor(contexts, initial, initialTable),
    feedback: feedback === undefined ? [] : await readFor(contexts, feedback, feedbackTable),
    refinements: refinements === undefined ? [] : await readTable(refinements, refinementsTable),
    scores: scores === undefined ? [] : await readTable(scores, scoresTable),
  };
  const targets = targetsOf(kind, data, beta, seedOf(place, 'targets'));
  await writeTable(paths.out, targetsTable, targets.map(toTargetRow));
}

export async function finetuneAlone(
  paths: { contexts: string; targets: string; model: string; out: string },
  tuning: Tuning,
  place: Place,
  progress: Progress,
): Promise<void> {
  const contexts = await readContexts(paths.contexts);
  const targets = fromTargetRows(await readTable(paths.targets, targetsTable), contexts);
  const model = await openModel(paths.model);
  try {
    await finetune(model, targets, tuning, seedOf(place, 'finetune'), paths.out, progress);
  } finally {
    model.lm.dispose();
  }
}
