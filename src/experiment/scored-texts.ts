/** Samples of models for the held-out contexts, with their rewards: what best-of-n picks from, and what posteriors weigh. */

import { bestOfNStep } from '../baselines/rl-steps.js';
import { heldOutTable } from '../ilf/heldout.js';
import { untruncated } from '../pipeline/options.js';
import type { BestOfNRow } from '../pipeline/tables.js';
import { rewardModel } from './reward-arm.js';
import type { World } from './study-context.js';

/** π_0's texts, which other studies look at, too: the table of `bestOfNStep` in this folder. */
export const PRIOR_FOLDER = 'best-of-n/base';
export const priorTexts = (world: World): Promise<BestOfNRow[]> =>
  scoredTexts(world, PRIOR_FOLDER, world.lab.options.base, world.scale.bestOfContexts, world.scale.bestOf);

/**
 * n samples of a model on the first held-out contexts with their rewards, at temperature 1 from the whole vocabulary: only so is
 * the KL that of the model's own distribution.
 */
export async function scoredTexts(
  world: World,
  folder: string,
  model: string,
  contexts: number,
  n: number,
): Promise<BestOfNRow[]> {
  const { lab, heldOut } = world;
  const reward = await rewardModel(world, 'quality', 'bradley-terry');
  const sampling = untruncated(lab.options);
  const some = heldOut.contexts.slice(0, contexts);
  const rows = await bestOfNStep(lab, folder, model, reward, some, n, sampling, heldOutTable('contexts'));
  if (model !== lab.options.base) await lab.models.close(model);
  return rows;
}
