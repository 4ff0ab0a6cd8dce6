/**
 * RL with a KL penalty, by RLOO (src/bayes/rloo.ts): π_θ maximises E[r(c, x)] − β KL(π_θ(·|c) ‖ π_0(·|c)). Every step takes
 * the next contexts, samples texts of each from π_θ, and makes one step of AdamW along the policy gradient.
 */
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { disposeAdamState } from '../engine/fused.js';
import { policyGradient } from '../lm/policy-gradient.js';
import { trainOn } from '../lm/train.js';
import { removeLeftovers } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { canonicalJson, hashPath, hashText, type Json } from '../store/hash.js';
import type { Context } from '../tasks/task.js';
import { openModel, type TextModel } from './model.js';
import type { Progress } from './progress.js';
import type { Reward } from './reward.js';
import { isMadeFrom, readRlLog, readRlState, saveRl } from './rl-checkpoint.js';
import { type Batch, ofStep, type RolloutOptions, readPosts, sampleBatch } from './rollouts.js';
import { stepSeed } from './seeds.js';
import type { RlRow } from './tables.js';

export interface RlOptions extends RolloutOptions {
  /** Steps of the optimizer. */
  steps: number;
  /** Of AdamW: constant after a linear warm-up. */
  lr: number;
}

/** The first steps' learning rate rises over this share of the training. */
const WARMUP = 0.1;
/** Most padded tokens computed at once: bounds memory, changes no result. */
const MAX_TOKENS = 4096;
/** Steps between checkpoints. */
const CHECKPOINT_EVERY = 10;

/**
 * RL from the model in the folder `theta`. `dir` becomes the folder of the tuned model and its log (src/ilf/rl-checkpoint.ts);
 * the log is returned. Until then `dir`.checkpoint holds the same of every tenth step: a training that was killed, called
 * again with the same inputs, goes on from there and ends with the same bytes; with other inputs it starts anew. onStep gets
 * the log's rows as they come.
 *
 * @throws UserError where there are no contexts or one is too long, the vocabularies differ, or training diverges
 */
export async function reinforce(
  theta: string,
  base: TextModel,
  reward: Reward,
  contexts: readonly Context[],
  options: RlOptions,
  seed: number,
  dir: string,
  progress: Progress,
  onStep: (row: RlRow) => void = () => {},
): Promise<RlRow[]> {
  if (contexts.length === 0) throw new UserError('reinforcement learning: there are no contexts');
  const checkpoint = `${dir}.checkpoint`;
  const madeFrom: Json = {
    ...options,
    seed,
    theta: (await hashPath(theta)) ?? null,
    base: (await hashPath(base.dir)) ?? null,
    reward: reward.key,
    contexts: hashText(canonicalJson(contexts.map(({ id, text }) => [id, text]))),
  };
  const resumes = await isMadeFrom(checkpoint, madeFrom);
  if (resumes) await removeLeftovers(dirname(dir));
  const model = await openModel(resumes ? checkpoint : theta);
  try {
    if (model.lm.description.vocab !== base.lm.description.vocab)
      throw new UserError(
        `${theta} and ${base.dir} have different vocabularies, ${model.lm.description.vocab} and ${base.lm.description.vocab} tokens: there is no KL between them`,
      );
    const posts = readPosts(model, contexts, options.maxTokens);
    const log = resumes ? await readRlLog(checkpoint) : [];
    let batch: Batch;
    const state = await trainOn(
      model.lm,
      policyGradient,
      async (step) => {
        const seedOfStep = stepSeed(seed, 'rl', `step-${step}`);
        const chosen = ofStep(posts, step, options.prompts, seed);
        batch = await sampleBatch(model, base, reward, chosen, options, seedOfStep);
        return batch.rollouts;
      },
      {
        steps: options.steps,
        lr: options.lr,
        warmup: Math.ceil(WARMUP * options.steps),
        decay: 'constant',
        maxTokens: MAX_TOKENS,
      },
      async ({ step, steps, loss, gradNorm, state }) => {
        const row = { step, ...batch.means, loss, grad_norm: gradNorm };
        log.push(row);
        onStep(row);
        progress('reinforcement learning', step, steps, 'steps');
        if (step % CHECKPOINT_EVERY === 0 && step < steps)
          await saveRl(checkpoint, model.lm, theta, state, madeFrom, log);
      },
      resumes ? await readRlState(model.lm, checkpoint) : undefined,
    );
    try {
      await saveRl(dir, model.lm, theta, state, madeFrom, log);
    } finally {
      disposeAdamState(state);
    }
    await rm(checkpoint, { recursive: true, force: true });
    return log;
  } finally {
    model.lm.dispose();
  }
}
