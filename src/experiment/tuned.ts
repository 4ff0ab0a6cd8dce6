/** Models tuned on the experiment's data, which several studies are about. Each is trained once. */
import { finetuneStep } from '../ilf/finetune.js';
import { scoresStep } from '../ilf/rank.js';
import { targetKind } from '../ilf/target-kinds.js';
import { type TargetSet, targetsStep } from '../ilf/targets.js';
import { tuningOf } from '../pipeline/options.js';
import type { Policy } from '../pipeline/policy.js';
import { DATA, dataTable } from './data.js';
import type { StudyContext } from './study-context.js';

/** What a model is tuned on, and for how long. */
export interface Recipe {
  targets: string;
  /** Contexts: the first n of the data. */
  n: number;
  epochs?: number;
  /** Who picks, where it is not InstructRM. */
  picks?: 'random' | 'longest';
}

/** "arms/ilf-300", where the model's tables are; it is `finetuned` in there. */
export const folderOf = (recipe: Recipe) => `arms/${recipeName(recipe)}`;
const recipeName = ({ targets, n, epochs = 1, picks }: Recipe) =>
  [targets, ...(picks ? [picks] : []), n, ...(epochs > 1 ? [`${epochs}-epochs`] : [])].join('-');

/** The first n contexts' targets. */
export async function recipeTargets(study: StudyContext, recipe: Recipe): Promise<TargetSet> {
  const { run, data } = study;
  const { targets: kind, n, picks } = recipe;
  const { initial, feedback } = data;
  const refinements = {
    own: data.refinements,
    none: data.noFeedback,
    other: data.shuffledFeedback,
  }[targetKind(kind).condition];
  const tables = ['contexts', 'initial', 'feedback', 'refinements'].map(dataTable);
  const judged = { contexts: data.contexts, initial, feedback, texts: refinements };
  const scores = picks
    ? await scoresStep(run, dataTable(`scores-${picks}`), picks, judged, tables)
    : data.scores;
  const contexts = data.contexts.slice(0, n);
  // A step's table is named after what it is made from; other picks are other scores.
  const also = picks ? [dataTable(`scores-${picks}`)] : [];
  const of = { contexts, initial, feedback, refinements, scores };
  return targetsStep(run, { name: `${folderOf(recipe)}/targets`, kind, from: DATA, data: of, also });
}

/** The tuned model. */
export async function tuned(study: StudyContext, recipe: Recipe): Promise<Policy> {
  const { run } = study;
  const tuning = { ...tuningOf(run.options), epochs: recipe.epochs ?? 1 };
  const set = await recipeTargets(study, recipe);
  const dir = await finetuneStep(run, folderOf(recipe), run.options.base, [set], tuning);
  return { dir, writes: targetKind(recipe.targets).writes };
}
