/** Samples of models for the held-out contexts, with their rewards: what best-of-n picks from, and what posteriors weigh. */

import { bestOfNStep } from '../baselines/best-of-n.js';
import { heldOutTable } from '../ilf/heldout.js';
import { untruncated } from '../pipeline/options.js';
import type { BestOfNRow } from '../pipeline/tables.js';
import { rewardModel } from './reward-model.js';
import type { StudyContext } from './study-context.js';

/** π_0's texts, which other studies look at, too: the table of `bestOfNStep` in this folder. */
export const PRIOR_FOLDER = 'best-of-n/base';
export const priorTexts = (study: StudyContext): Promise<BestOfNRow[]> =>
  scoredTexts(study, PRIOR_FOLDER, study.run.options.base, study.scale.bestOfContexts, study.scale.bestOf);

/**
 * n samples of a model on the first held-out contexts with their rewards, at temperature 1 from the whole vocabulary: only so is
 * the KL that of the model's own distribution.
 */
export async function scoredTexts(
  study: StudyContext,
  folder: string,
  model: string,
  contexts: number,
  n: number,
): Promise<BestOfNRow[]> {
  const { run, heldOut } = study;
  const reward = await rewardModel(study, 'quality', 'bradley-terry');
  const sampling = untruncated(run.options);
  const some = heldOut.contexts.slice(0, contexts);
  const from = heldOutTable('contexts');
  const of = { model, rewardModel: reward, contexts: some, from, n, sampling };
  const rows = await bestOfNStep(run, folder, of);
  if (model !== run.options.base) await run.models.close(model);
  return rows;
}
