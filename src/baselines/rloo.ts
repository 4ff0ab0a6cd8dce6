/**
 * RL with a KL penalty, by RLOO (src/bayes/rloo.ts): π_θ maximises E[r(c, x)] − β KL(π_θ(·|c) ‖ π_0(·|c)). Every step takes
 * the next contexts, samples texts of each from π_θ, and makes one step of AdamW along the policy gradient.
 */
import { dirname } from 'node:path';
import { disposeAdamState } from '../engine/fused.js';
import { policyGradient } from '../lm/policy-gradient.js';
import { trainOn } from '../lm/train.js';
import { tellUnknown } from '../measure/unknown-text.js';
import { withModels } from '../pipeline/model-cache.js';
import type { Progress } from '../pipeline/progress.js';
import { folderStep, type RunContext } from '../pipeline/run-context.js';
import { type Place, seedOf, stepSeed } from '../pipeline/seeds.js';
import { type RlRow, readContexts, rlTable } from '../pipeline/tables.js';
import type { TooLong } from '../pipeline/too-long.js';
import { UserError } from '../store/errors.js';
import { removeFolder } from '../store/folder.js';
import { canonicalJson, hashPath, hashText, type Json } from '../store/hash.js';
import { recover } from '../store/leftovers.js';
import { writeTable } from '../store/tables.js';
import type { Context, Task } from '../tasks/task.js';
import { openModel, type TextModel } from '../writers/text-model.js';
import { type Reward, rewardable, withReward } from './reward.js';
import { isMadeFrom, readRlLog, readRlState, saveRl } from './rl-checkpoint.js';
import {
  meansOf,
  ofStep,
  promptContexts,
  type RewardedRollout,
  type RolloutOptions,
  sampleBatch,
} from './rollouts.js';

export interface RlOptions extends RolloutOptions {
  /** Steps of the optimizer. */
  steps: number;
  /** Of AdamW: constant after a linear warm-up. */
  lr: number;
}

/** What RL is about. */
export interface Reinforcement {
  task: Task;
  /** Folder that π_θ starts from. */
  theta: string;
  base: TextModel;
  reward: Reward;
  contexts: readonly Context[];
  options: RlOptions;
  seed: number;
}

/** The first steps' learning rate rises over this share of the training. */
const WARMUP = 0.1;
/** Most padded tokens computed at once: bounds memory, changes no result. */
const MAX_TOKENS = 4096;
/** Steps between checkpoints. */
const CHECKPOINT_EVERY = 10;

/**
 * RL from the model in the folder `theta`. `dir` becomes the folder of the tuned model and its log (rl-checkpoint.ts); the log is
 * returned. Until then `dir`.checkpoint holds the same of every tenth step: a training that was killed, called
 * again with the same inputs, goes on from there and ends with the same bytes; with other inputs it starts anew. onStep gets
 * the log's rows as they come.
 *
 * @throws UserError where there are no contexts or one is too long, the vocabularies differ, or training diverges
 */
export async function reinforce(
  of: Reinforcement,
  dir: string,
  progress: Progress,
  onStep: (row: RlRow) => void = () => {},
): Promise<RlRow[]> {
  const { task, theta: from, base, reward, contexts, options, seed } = of;
  if (contexts.length === 0) throw new UserError('reinforcement learning: there are no contexts');
  const checkpoint = `${dir}.checkpoint`;
  const madeFrom = await inputsOf(of);
  await recover(dirname(dir));
  const resumes = await isMadeFrom(checkpoint, madeFrom);
  const theta = await openModel(resumes ? checkpoint : from);
  try {
    if (theta.lm.description.vocab !== base.lm.description.vocab)
      throw new UserError(
        `${from} and ${base.dir} have different vocabularies, ${theta.lm.description.vocab} and ${base.lm.description.vocab} tokens: there is no KL between them`,
      );
    const prompted = promptContexts(theta, task, contexts, options.maxTokens);
    const log = resumes ? await readRlLog(checkpoint) : [];
    const state = await trainOn(
      theta.lm,
      policyGradient<RewardedRollout>,
      (step) => {
        const chosen = ofStep(prompted, step, options.prompts, seed);
        return sampleBatch(
          { theta, base, reward, task },
          chosen,
          options,
          stepSeed(seed, 'rl', `step-${step}`),
        );
      },
      {
        steps: options.steps,
        lr: options.lr,
        warmup: Math.ceil(WARMUP * options.steps),
        decay: 'constant',
        maxTokens: MAX_TOKENS,
      },
      async ({ step, steps, loss, gradNorm, state: optimizer, examples }) => {
        const row = { step, ...meansOf(examples), loss, grad_norm: gradNorm };
        log.push(row);
        onStep(row);
        progress('reinforcement learning', step, steps, 'steps');
        if (step % CHECKPOINT_EVERY === 0 && step < steps)
          await saveRl(checkpoint, { lm: theta.lm, tokenizer: from, optimizer, madeFrom, log });
      },
      resumes ? await readRlState(theta.lm, checkpoint) : undefined,
    );
    try {
      await saveRl(dir, { lm: theta.lm, tokenizer: from, optimizer: state, madeFrom, log });
    } finally {
      disposeAdamState(state);
    }
    await removeFolder(checkpoint);
    return log;
  } finally {
    theta.lm.dispose();
  }
}

/** What a training's steps depend on. */
const inputsOf = async ({
  task,
  theta,
  base,
  reward,
  contexts,
  options,
  seed,
}: Reinforcement): Promise<Json> => ({
  ...options,
  seed,
  prompt: task.prompts.write(''),
  theta: (await hashPath(theta)) ?? null,
  base: (await hashPath(base.dir)) ?? null,
  reward: reward.key,
  contexts: hashText(canonicalJson(contexts.map(({ id, text }) => [id, text]))),
});

/** RL as a step of a run, on the contexts of the table `from`. */
export interface RlStep {
  theta: string;
  rewardModel: string;
  contexts: readonly Context[];
  from: string;
  options: RlOptions;
}

/** The tuned model's folder, `folder`/rl, and its log. */
export async function rlStep(
  run: RunContext,
  folder: string,
  { theta, rewardModel, contexts, from, options }: RlStep,
): Promise<{ tuned: string; log: RlRow[] }> {
  const { task } = run;
  const { base, seed: runSeed } = run.options;
  const seed = stepSeed(runSeed, folder, 'rl');
  const inputs = {
    tables: [from],
    models: [theta, base, rewardModel],
    values: { ...options, seed, contexts: contexts.length },
  };
  const tuned = await folderStep(run, `${folder}/rl`, inputs, (dir, progress) =>
    withReward(rewardModel, task.prompts, async (reward) => {
      const of = { task, theta, base: await run.models.get(base), reward, contexts, options, seed };
      await reinforce(of, dir, progress, (row) => {
        for (const name of ['reward', 'kl', 'loss'] as const)
          run.reporter.scalar(`${folder}/${name}`, row.step, row[name]);
      });
    }),
  );
  return { tuned, log: await readRlLog(tuned) };
}

export interface RlCommand {
  task: Task;
  contexts: string;
  /** π_θ's start, π_0, and the reward model. */
  model: string;
  base: string;
  rewardModel: string;
  /** The tuned model's folder; its log also the table `log`, where that is given. */
  out: string;
  log: string | undefined;
  options: RlOptions;
  place: Place;
  tooLong: TooLong;
}

export async function rlCommand(of: RlCommand, progress: Progress): Promise<void> {
  const { task, options } = of;
  const all = await readContexts(of.contexts);
  if (all.length === 0) throw new UserError(`${of.contexts} holds no contexts`);
  const who = { models: [of.model, of.base], rewardModel: of.rewardModel };
  const contexts = await rewardable(task, all, who, options.maxTokens, of.tooLong);
  const log = await withModels(async (models) => {
    const base = await models.get(of.base);
    const look = { maxTokens: options.maxTokens, seed: seedOf(of.place, 'familiarity') };
    await tellUnknown({ model: base, role: 'base' }, task, contexts, look, of.tooLong.tell, progress);
    return withReward(of.rewardModel, task.prompts, (reward) => {
      const seed = seedOf(of.place, 'rl');
      return reinforce({ task, theta: of.model, base, reward, contexts, options, seed }, of.out, progress);
    });
  });
  if (of.log !== undefined) await writeTable(of.log, rlTable, log);
}
