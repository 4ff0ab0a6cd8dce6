/**
 * Steps run alone, on tables given by their paths: the same functions, and the same seeds, as in a run of the loop.
 */
import { loadInstructRM } from '../rankers/instruct-rm.js';
import { UserError } from '../store/errors.js';
import { type ReadRowOf, readTable, type TableSchema, writeTable } from '../store/tables.js';
import { briefs } from '../tasks/briefs/task.js';
import { openTask } from '../tasks/open.js';
import { judgePrompts } from '../tasks/prompts.js';
import type { Context, TaskSplit } from '../tasks/task.js';
import { chooseSource, giveFeedback } from './feedback.js';
import { finetune, selectedTexts, type Tuning } from './finetune.js';
import { generate } from './generate.js';
import { klSampling, measureKl, sampleForKl } from './measure-kl.js';
import { ModelShelf, openModel } from './model.js';
import type { Progress } from './progress.js';
import { rank, toRank } from './rank.js';
import { refine, toRefine } from './refine.js';
import { stepSeed } from './seeds.js';
import {
  contextsTable,
  feedbackTable,
  fromContextRow,
  initialTable,
  klTable,
  refinementsTable,
  scoresTable,
  toContextRow,
} from './tables.js';
import type { Sampling } from './texts.js';

/** Which of a run's seeds: the run's own seed, and the folder of its round. */
export interface Place {
  seed: number;
  round: number;
}
const seedOf = ({ seed, round }: Place, step: string) => stepSeed(seed, `round-${round}`, step);

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

const readContexts = async (path: string): Promise<Context[]> =>
  (await readTable(path, contextsTable)).map((row) => {
    try {
      return fromContextRow(row);
    } catch {
      throw new UserError(`${path}: the facts of context ${row.context} are not JSON`);
    }
  });

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

/** Models that live as long as `use` runs. */
async function withModels<T>(use: (models: ModelShelf) => Promise<T>): Promise<T> {
  const models = new ModelShelf();
  try {
    return await use(models);
  } finally {
    await models.close();
  }
}

export async function generateAlone(
  paths: { contexts: string; model: string; out: string },
  sampling: Sampling,
  place: Place,
  progress: Progress,
): Promise<void> {
  const contexts = await readContexts(paths.contexts);
  const rows = await withModels(async (models) =>
    generate(await models.get(paths.model), contexts, sampling, seedOf(place, 'initial'), progress),
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
    instruct: string;
    out: string;
  },
  progress: Progress,
): Promise<void> {
  const contexts = await readContexts(paths.contexts);
  const initial = await readFor(contexts, paths.initial, initialTable);
  const feedback = await readFor(contexts, paths.feedback, feedbackTable);
  const refinements = await readTable(paths.refinements, refinementsTable);
  const items = toRank(contexts, initial, feedback, refinements);
  const empty = items.find(({ group }) => group.length === 0);
  if (empty) throw new UserError(`${paths.refinements} has no refinement of context ${empty.id}`);
  const ranker = await loadInstructRM(paths.instruct, judgePrompts);
  try {
    await writeTable(paths.out, scoresTable, await rank(ranker, items, progress));
  } finally {
    await ranker.close();
  }
}

export async function finetuneAlone(
  paths: { contexts: string; refinements: string; scores: string; model: string; out: string },
  tuning: Tuning,
  place: Place,
  progress: Progress,
): Promise<void> {
  const contexts = await readContexts(paths.contexts);
  const refinements = await readTable(paths.refinements, refinementsTable);
  const scores = await readTable(paths.scores, scoresTable);
  const pairs = selectedTexts(contexts, refinements, scores);
  const model = await openModel(paths.model);
  try {
    await finetune(model, pairs, tuning, seedOf(place, 'finetune'), paths.out, progress);
  } finally {
    model.lm.dispose();
  }
}

/** Samples both ways, writes the texts' table, and returns the estimates. */
export async function klAlone(
  paths: { contexts: string; model: string; base: string; out: string },
  maxTokens: number,
  place: Place,
  progress: Progress,
) {
  const contexts = await readContexts(paths.contexts);
  const settings = {
    tunedFromBase: klSampling(maxTokens, seedOf(place, 'tunedFromBase')),
    baseFromTuned: klSampling(maxTokens, seedOf(place, 'baseFromTuned')),
  };
  const rows = await withModels(async (models) =>
    sampleForKl(await models.get(paths.model), await models.get(paths.base), contexts, settings, progress),
  );
  await writeTable(paths.out, klTable, rows);
  return measureKl(await readTable(paths.out, klTable), settings);
}
