/**
 * The steps as parts of a run: each reads earlier tables and makes one, under a folder of the run ("round-1", "heldout").
 * What a step does stands in its own file; what it depends on stands here.
 */

import { samplingOf, trainedRanker, tuningOf } from '../pipeline/options.js';
import type { Policy } from '../pipeline/policy.js';
import { folderStep, type Lab, tableStep } from '../pipeline/run-context.js';
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
import { refine, type Told, toRefine } from './refine.js';
import {
  fromTargetRows,
  type Target,
  type TargetData,
  tablesFor,
  targetsOf,
  toldFor,
  toTargetRow,
} from './targets.js';

/** Contexts number `from` to `from + n − 1` of a split. */
export async function contextsStep(
  lab: Lab,
  folder: string,
  split: TaskSplit,
  from: number,
  n: number,
): Promise<Context[]> {
  const rows = lab.task.contexts(split, from, n).map(toContextRow);
  const values = { contexts: rows } as unknown as Json;
  return (await tableStep(lab, `${folder}/contexts`, contextsTable, { values }, async () => rows)).map(
    fromContextRow,
  );
}

/** x0 ~ π_θ(·|c) for the contexts of the table `from`. */
export function generateStep(
  lab: Lab,
  folder: string,
  name: 'initial' | 'outputs',
  theta: Policy,
  contexts: readonly Context[],
  from = `${folder}/contexts`,
): Promise<InitialRow[]> {
  const sampling = samplingOf(lab.options);
  const seed = stepSeed(lab.options.seed, folder, name);
  const { dir, writes } = theta;
  const inputs = { tables: [from], models: [dir], values: { ...sampling, seed, writes } };
  return tableStep(lab, `${folder}/${name}`, initialTable, inputs, async (progress) =>
    generate(await lab.models.get(dir), contexts, sampling, seed, progress, writes),
  );
}

/** f on (c, x0). */
export function feedbackStep(
  lab: Lab,
  folder: string,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
): Promise<FeedbackRow[]> {
  const sampling = samplingOf(lab.options);
  const seed = stepSeed(lab.options.seed, folder, 'feedback');
  const inputs = {
    tables: [`${folder}/contexts`, `${folder}/initial`],
    models: [lab.options.instruct],
    values: { ...sampling, seed },
  };
  return tableStep(lab, `${folder}/feedback`, feedbackTable, inputs, (progress) => {
    const instruct = () => lab.models.get(lab.options.instruct);
    return giveFeedback(chooseSource(lab.task, instruct, sampling, seed, progress), contexts, initial);
  });
}

/** The tables of refinements, by what the refiner was told. */
export const refinementsNamed = {
  own: 'refinements',
  none: 'no-feedback',
  other: 'shuffled-feedback',
} as const satisfies Record<Told, string>;

/** x1¹..x1ᴺ ~ π_ψ(·|c, x0, f). */
export function refineStep(
  lab: Lab,
  folder: string,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
  told: Told = 'own',
): Promise<RefinementRow[]> {
  const { base, instruct, samples } = lab.options;
  const name = refinementsNamed[told];
  const sampling = samplingOf(lab.options);
  const seed = stepSeed(lab.options.seed, folder, told === 'own' ? 'refine' : name);
  const read = ['contexts', 'initial', ...(told === 'none' ? [] : ['feedback'])];
  const inputs = {
    tables: read.map((table) => `${folder}/${table}`),
    models: [instruct, base],
    values: { ...sampling, samples, seed },
  };
  return tableStep(lab, `${folder}/${name}`, refinementsTable, inputs, async (progress) => {
    const items = toRefine(contexts, initial, feedback, told);
    const [refiner, prior] = [await lab.models.get(instruct), await lab.models.get(base)];
    return refine(refiner, prior, items, samples, sampling, seed, progress);
  });
}

/** R(x1) by the run's ranker, and its argmax. */
export function rankStep(
  lab: Lab,
  folder: string,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
  refinements: readonly TextRow[],
): Promise<ScoreRow[]> {
  const tables = ['contexts', 'initial', 'feedback', 'refinements'].map((table) => `${folder}/${table}`);
  const { ranker } = lab.options;
  return scoresStep(lab, `${folder}/scores`, ranker, tables, contexts, initial, feedback, refinements);
}

/** What a ranker says of any texts; `tables` are those that everything here was read from. */
export function scoresStep(
  lab: Lab,
  name: string,
  ranker: RankerName,
  tables: readonly string[],
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
  texts: readonly TextRow[],
): Promise<ScoreRow[]> {
  const { instruct, host, seed } = lab.options;
  const inputs = {
    tables,
    models: [trainedRanker({ ...lab.options, ranker }) ?? instruct],
    values: { ranker, host, seed },
  };
  return tableStep(lab, name, scoresTable, inputs, async (progress) =>
    rank(await lab.ranker(ranker), toRank(contexts, initial, feedback, texts), progress),
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
  lab: Lab,
  name: string,
  kind: TargetsName,
  from: string,
  data: TargetData,
  also: readonly string[] = [],
): Promise<TargetSet> {
  const { beta, seed: runSeed } = lab.options;
  const seed = stepSeed(runSeed, from, 'targets');
  const tableOf = (table: string) =>
    `${from}/${table === 'refinements' ? refinementsNamed[toldFor(kind)] : table}`;
  const inputs = {
    tables: [...['contexts', ...tablesFor[kind]].map(tableOf), ...also],
    values: { kind, beta, seed, contexts: data.contexts.map(({ id }) => id) },
  };
  const rows = await tableStep(lab, name, targetsTable, inputs, async () =>
    targetsOf(kind, data, beta, seed).map(toTargetRow),
  );
  return { tables: [`${from}/contexts`, name], targets: fromTargetRows(rows, data.contexts) };
}

/** The model `from` tuned on (c → x1) of one or more rounds; the tuned model's folder. */
export function tuneStep(
  lab: Lab,
  folder: string,
  from: string,
  sets: readonly TargetSet[],
  tuning = tuningOf(lab.options),
): Promise<string> {
  const seed = stepSeed(lab.options.seed, folder, 'finetune');
  const inputs = {
    tables: sets.flatMap(({ tables }) => tables),
    models: [from],
    values: { ...tuning, seed },
  };
  return folderStep(lab, `${folder}/finetuned`, inputs, async (dir, progress) => {
    // A copy of its own: the shelf's is π_0 to other steps.
    const model = await openModel(from);
    try {
      const targets = sets.flatMap((set) => set.targets);
      await finetune(model, targets, tuning, seed, dir, progress, (step, loss) =>
        lab.show.scalar(`${folder}/loss`, step, loss),
      );
    } finally {
      model.lm.dispose();
    }
  });
}
