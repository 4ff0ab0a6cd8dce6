/**
 * The steps as parts of a run: each reads earlier tables and makes one, under a folder of the run ("round-1", "heldout").
 * What a step does stands in its own file; what it depends on stands here.
 */

import { samplingOf, trainedRanker, tuningOf } from '../pipeline/options.js';
import type { Policy } from '../pipeline/policy.js';
import { folderStep, type RunContext, tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import {
  contextsTable,
  type FeedbackRow,
  feedbackTable,
  fromContextRow,
  type InitialRow,
  initialTable,
  type RefinementRow,
  refinementsTable,
  type ScoreRow,
  scoresTable,
  type TextRow,
  targetsTable,
  toContextRow,
} from '../pipeline/tables.js';
import type { TargetsName } from '../pipeline/targets-names.js';
import type { RankerName } from '../rankers/names.js';
import type { Json } from '../store/hash.js';
import type { Context, TaskSplit } from '../tasks/task.js';
import { openModel } from '../writers/text-model.js';
import { chooseSource, giveFeedback } from './feedback.js';
import { finetune } from './finetune.js';
import { generate } from './generate.js';
import { rank, toRank } from './rank.js';
import { type FeedbackCondition, refine, toRefine } from './refine.js';
import {
  conditionFor,
  fromTargetRows,
  type Target,
  type TargetData,
  tablesFor,
  targetsOf,
  toTargetRow,
} from './targets.js';

/** Contexts number `from` to `from + n − 1` of a split. */
export async function contextsStep(
  run: RunContext,
  folder: string,
  split: TaskSplit,
  from: number,
  n: number,
): Promise<Context[]> {
  const rows = run.task.contexts(split, from, n).map(toContextRow);
  const values = { contexts: rows } as unknown as Json;
  return (await tableStep(run, `${folder}/contexts`, contextsTable, { values }, async () => rows)).map(
    fromContextRow,
  );
}

/** x0 ~ π_θ(·|c) for the contexts of the table `from`. */
export function generateStep(
  run: RunContext,
  folder: string,
  name: 'initial' | 'outputs',
  theta: Policy,
  contexts: readonly Context[],
  from = `${folder}/contexts`,
): Promise<InitialRow[]> {
  const sampling = samplingOf(run.options);
  const seed = stepSeed(run.options.seed, folder, name);
  const { dir, writes } = theta;
  const inputs = { tables: [from], models: [dir], values: { ...sampling, seed, writes } };
  return tableStep(run, `${folder}/${name}`, initialTable, inputs, async (progress) =>
    generate(await run.models.get(dir), contexts, sampling, seed, progress, writes),
  );
}

/** f on (c, x0). */
export function feedbackStep(
  run: RunContext,
  folder: string,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
): Promise<FeedbackRow[]> {
  const sampling = samplingOf(run.options);
  const seed = stepSeed(run.options.seed, folder, 'feedback');
  const inputs = {
    tables: [`${folder}/contexts`, `${folder}/initial`],
    models: [run.options.instruct],
    values: { ...sampling, seed },
  };
  return tableStep(run, `${folder}/feedback`, feedbackTable, inputs, (progress) => {
    const instruct = () => run.models.get(run.options.instruct);
    return giveFeedback(chooseSource(run.task, instruct, sampling, seed, progress), contexts, initial);
  });
}

/** The tables of refinements, by what the refiner was told. */
export const refinementsNamed = {
  own: 'refinements',
  none: 'no-feedback',
  other: 'shuffled-feedback',
} as const satisfies Record<FeedbackCondition, string>;

/** x1¹..x1ᴺ ~ π_ψ(·|c, x0, f). */
export function refineStep(
  run: RunContext,
  folder: string,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
  told: FeedbackCondition = 'own',
): Promise<RefinementRow[]> {
  const { base, instruct, samples } = run.options;
  const name = refinementsNamed[told];
  const sampling = samplingOf(run.options);
  const seed = stepSeed(run.options.seed, folder, told === 'own' ? 'refine' : name);
  const read = ['contexts', 'initial', ...(told === 'none' ? [] : ['feedback'])];
  const inputs = {
    tables: read.map((table) => `${folder}/${table}`),
    models: [instruct, base],
    values: { ...sampling, samples, seed },
  };
  return tableStep(run, `${folder}/${name}`, refinementsTable, inputs, async (progress) => {
    const items = toRefine(contexts, initial, feedback, told);
    const [refiner, prior] = [await run.models.get(instruct), await run.models.get(base)];
    return refine(refiner, prior, items, samples, sampling, seed, progress);
  });
}

/** R(x1) by the run's ranker, and its argmax. */
export function rankStep(
  run: RunContext,
  folder: string,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
  refinements: readonly TextRow[],
): Promise<ScoreRow[]> {
  const tables = ['contexts', 'initial', 'feedback', 'refinements'].map((table) => `${folder}/${table}`);
  const { ranker } = run.options;
  return scoresStep(run, `${folder}/scores`, ranker, tables, contexts, initial, feedback, refinements);
}

/** What a ranker says of any texts; `tables` are those that everything here was read from. */
export function scoresStep(
  run: RunContext,
  name: string,
  ranker: RankerName,
  tables: readonly string[],
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
  texts: readonly TextRow[],
): Promise<ScoreRow[]> {
  const { instruct, host, seed } = run.options;
  const inputs = {
    tables,
    models: [trainedRanker({ ...run.options, ranker }) ?? instruct],
    values: { ranker, host, seed },
  };
  return tableStep(run, name, scoresTable, inputs, async (progress) =>
    rank(await run.ranker(ranker), toRank(contexts, initial, feedback, texts), progress),
  );
}

/** Targets, and the tables that they are in: their own and the contexts'. */
export interface TargetSet {
  tables: readonly string[];
  targets: readonly Target[];
}

/**
 * What is learned from some texts: the table `name`.
 * @param from the folder of the tables that `data` was read from @param also other tables that it was read from
 */
export async function targetsStep(
  run: RunContext,
  name: string,
  kind: TargetsName,
  from: string,
  data: TargetData,
  also: readonly string[] = [],
): Promise<TargetSet> {
  const { beta, seed: runSeed } = run.options;
  const seed = stepSeed(runSeed, from, 'targets');
  const tableOf = (table: string) =>
    `${from}/${table === 'refinements' ? refinementsNamed[conditionFor(kind)] : table}`;
  const inputs = {
    tables: [...['contexts', ...tablesFor[kind]].map(tableOf), ...also],
    values: { kind, beta, seed, contexts: data.contexts.map(({ id }) => id) },
  };
  const rows = await tableStep(run, name, targetsTable, inputs, async () =>
    targetsOf(kind, data, beta, seed).map(toTargetRow),
  );
  return { tables: [`${from}/contexts`, name], targets: fromTargetRows(rows, data.contexts) };
}

/** The model `from` tuned on (c → x1) of one or more rounds; the tuned model's folder. */
export function tuneStep(
  run: RunContext,
  folder: string,
  from: string,
  sets: readonly TargetSet[],
  tuning = tuningOf(run.options),
): Promise<string> {
  const seed = stepSeed(run.options.seed, folder, 'finetune');
  const inputs = {
    tables: sets.flatMap(({ tables }) => tables),
    models: [from],
    values: { ...tuning, seed },
  };
  return folderStep(run, `${folder}/finetuned`, inputs, async (dir, progress) => {
    // A copy of its own: the shelf's is π_0 to other steps.
    const model = await openModel(from);
    try {
      const targets = sets.flatMap((set) => set.targets);
      await finetune(model, targets, tuning, seed, dir, progress, (step, loss) =>
        run.show.scalar(`${folder}/loss`, step, loss),
      );
    } finally {
      model.lm.dispose();
    }
  });
}
