/**
 * The steps as parts of a run: each reads earlier tables and makes one, under a folder of the run ("round-1", "heldout").
 * What a step does stands in its own file; what it depends on stands here.
 */
import type { Json } from '../store/hash.js';
import type { Context, TaskSplit } from '../tasks/task.js';
import { chooseSource, giveFeedback } from './feedback.js';
import { finetune, selectedTexts } from './finetune.js';
import { generate } from './generate.js';
import { folderStep, type Lab, tableStep } from './lab.js';
import { openModel } from './model.js';
import { samplingOf, tuningOf } from './options.js';
import { rank, toRank } from './rank.js';
import { refine, toRefine } from './refine.js';
import { stepSeed } from './seeds.js';
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
  toContextRow,
} from './tables.js';

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
  theta: string,
  contexts: readonly Context[],
  from = `${folder}/contexts`,
): Promise<InitialRow[]> {
  const sampling = samplingOf(lab.options);
  const seed = stepSeed(lab.options.seed, folder, name);
  const inputs = { tables: [from], models: [theta], values: { ...sampling, seed } };
  return tableStep(lab, `${folder}/${name}`, initialTable, inputs, async (progress) =>
    generate(await lab.models.get(theta), contexts, sampling, seed, progress),
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

/** x1¹..x1ᴺ ~ π_ψ(·|c, x0, f). */
export function refineStep(
  lab: Lab,
  folder: string,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
): Promise<RefinementRow[]> {
  const { base, instruct, samples } = lab.options;
  const sampling = samplingOf(lab.options);
  const seed = stepSeed(lab.options.seed, folder, 'refine');
  const inputs = {
    tables: [`${folder}/contexts`, `${folder}/initial`, `${folder}/feedback`],
    models: [instruct, base],
    values: { ...sampling, samples, seed },
  };
  return tableStep(lab, `${folder}/refinements`, refinementsTable, inputs, async (progress) => {
    const items = toRefine(contexts, initial, feedback);
    const [refiner, prior] = [await lab.models.get(instruct), await lab.models.get(base)];
    return refine(refiner, prior, items, samples, sampling, seed, progress);
  });
}

/** R(x1) by InstructRM, and its argmax. */
export function rankStep(
  lab: Lab,
  folder: string,
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
  refinements: readonly TextRow[],
): Promise<ScoreRow[]> {
  const tables = ['contexts', 'initial', 'feedback', 'refinements'].map((table) => `${folder}/${table}`);
  return judgeStep(lab, `${folder}/scores`, tables, contexts, initial, feedback, refinements);
}

/** What InstructRM says of any texts; `tables` are those that everything here was read from. */
export function judgeStep(
  lab: Lab,
  name: string,
  tables: readonly string[],
  contexts: readonly Context[],
  initial: readonly InitialRow[],
  feedback: readonly FeedbackRow[],
  texts: readonly TextRow[],
): Promise<ScoreRow[]> {
  const inputs = { tables, models: [lab.options.instruct] };
  return tableStep(lab, name, scoresTable, inputs, async (progress) =>
    rank(await lab.ranker(), toRank(contexts, initial, feedback, texts), progress),
  );
}

/** π_θ on (c → x1); the tuned model's folder. */
export function finetuneStep(
  lab: Lab,
  folder: string,
  theta: string,
  contexts: readonly Context[],
  refinements: readonly RefinementRow[],
  scores: readonly ScoreRow[],
): Promise<string> {
  const tuning = tuningOf(lab.options);
  const seed = stepSeed(lab.options.seed, folder, 'finetune');
  const inputs = {
    tables: [`${folder}/contexts`, `${folder}/refinements`, `${folder}/scores`],
    models: [theta],
    values: { ...tuning, seed },
  };
  return folderStep(lab, `${folder}/finetuned`, inputs, async (dir, progress) => {
    // A copy of its own: the shelf's is π_0 to other steps.
    const model = await openModel(theta);
    try {
      await finetune(model, selectedTexts(contexts, refinements, scores), tuning, seed, dir, progress);
    } finally {
      model.lm.dispose();
    }
  });
}
