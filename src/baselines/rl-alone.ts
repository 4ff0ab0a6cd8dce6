/** Best-of-n and RL alone, on a table of contexts given by its path; as src/ilf/alone.ts. */
import { withModels } from '../pipeline/model-cache.js';
import type { Progress } from '../pipeline/progress.js';
import { type Place, seedOf } from '../pipeline/seeds.js';
import { bestOfNTable, readContexts, rlTable } from '../pipeline/tables.js';
import { UserError } from '../store/errors.js';
import { writeTable } from '../store/tables.js';
import type { Sampling } from '../writers/texts.js';
import { type BestOfN, sampleScored, summariseBestOfN } from './best-of-n.js';
import { withReward } from './reward.js';
import { type RlOptions, reinforce } from './rloo.js';

export interface RlPaths {
  contexts: string;
  /** π_θ's start, π_0, and the reward model. */
  model: string;
  base: string;
  rewardModel: string;
  out: string;
}

/** The tuned model becomes the folder `out`; its log also the table `log`, where that is given. */
export async function rlAlone(
  paths: RlPaths & { log: string | undefined },
  options: RlOptions,
  place: Place,
  progress: Progress,
): Promise<void> {
  const contexts = await readContexts(paths.contexts);
  const log = await withModels(async (models) => {
    const base = await models.get(paths.base);
    return withReward(paths.rewardModel, (reward) =>
      reinforce(paths.model, base, reward, contexts, options, seedOf(place, 'rl'), paths.out, progress),
    );
  });
  if (paths.log !== undefined) await writeTable(paths.log, rlTable, log);
}

/** OutputFormat the table of scored texts, and returns what best-of-n gives. */
export async function bestOfNAlone(
  paths: RlPaths,
  n: number,
  sampling: Sampling,
  place: Place,
  progress: Progress,
): Promise<BestOfN[]> {
  const contexts = await readContexts(paths.contexts);
  if (contexts.length === 0) throw new UserError(`${paths.contexts} holds no contexts`);
  const rows = await withModels(async (models) => {
    const [model, base] = [await models.get(paths.model), await models.get(paths.base)];
    return withReward(paths.rewardModel, (reward) =>
      sampleScored(model, base, reward, contexts, n, sampling, seedOf(place, 'best-of-n'), progress),
    );
  });
  await writeTable(paths.out, bestOfNTable, rows);
  return summariseBestOfN(rows);
}
