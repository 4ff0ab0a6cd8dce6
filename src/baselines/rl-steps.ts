/** Best-of-n and RL as parts of a run; both are against π_0 and for the reward model in the folder `rewardModel`. */

import { folderStep, type RunContext, tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { type BestOfNRow, bestOfNTable, type RlRow } from '../pipeline/tables.js';
import type { Context } from '../tasks/task.js';
import type { Sampling } from '../writers/texts.js';
import { sampleScored } from './best-of-n.js';
import { withReward } from './reward.js';
import { readRlLog } from './rl-checkpoint.js';
import { type RlOptions, reinforce } from './rloo.js';

/** n scored texts of `model` for the contexts of the table `from`: the table `folder`/best-of-n. */
export function bestOfNStep(
  run: RunContext,
  folder: string,
  model: string,
  rewardModel: string,
  contexts: readonly Context[],
  n: number,
  sampling: Sampling,
  from = `${folder}/contexts`,
): Promise<BestOfNRow[]> {
  const { base, seed: runSeed } = run.options;
  const seed = stepSeed(runSeed, folder, 'best-of-n');
  const inputs = {
    tables: [from],
    models: [model, base, rewardModel],
    values: { ...sampling, n, seed },
  };
  return tableStep(run, `${folder}/best-of-n`, bestOfNTable, inputs, (progress) =>
    withReward(rewardModel, async (reward) => {
      const [policy, prior] = [await run.models.get(model), await run.models.get(base)];
      return sampleScored(policy, prior, reward, contexts, n, sampling, seed, progress);
    }),
  );
}

/** RL from `theta` on the contexts of the table `from`: the tuned model's folder, `folder`/rl, and its log. */
export async function rlStep(
  run: RunContext,
  folder: string,
  theta: string,
  rewardModel: string,
  contexts: readonly Context[],
  options: RlOptions,
  from = `${folder}/contexts`,
): Promise<{ tuned: string; log: RlRow[] }> {
  const { base, seed: runSeed } = run.options;
  const seed = stepSeed(runSeed, folder, 'rl');
  const inputs = {
    tables: [from],
    models: [theta, base, rewardModel],
    values: { ...options, seed },
  };
  const tuned = await folderStep(run, `${folder}/rl`, inputs, (dir, progress) =>
    withReward(rewardModel, async (reward) => {
      const prior = await run.models.get(base);
      await reinforce(theta, prior, reward, contexts, options, seed, dir, progress, (row) => {
        for (const name of ['reward', 'kl', 'loss'] as const)
          run.show.scalar(`${folder}/${name}`, row.step, row[name]);
      });
    }),
  );
  return { tuned, log: await readRlLog(tuned) };
}
