/**
 * What a step of RL learns from: texts of π_θ with their advantages.
 *
 * Sampling is at temperature 1 from the whole vocabulary, whatever generation uses: samples at other settings would not be
 * from π_θ, and neither the gradient nor the KL would be that of the objective. A text that the token limit cuts off is a
 * sample like others, with the probability of its tokens; its reward is that of the tidied text, as a reader would get it.
 */

import { leaveOneOutAdvantages, penalisedRewards } from '../bayes/index.js';
import { mean, sum } from '../bayes/sums.js';
import type { Rollout } from '../lm/policy-gradient.js';
import { permutation, randomStream } from '../lm/random.js';
import { sample } from '../lm/sample.js';
import { scoreCompletions } from '../lm/score.js';
import { klSampling } from '../measure/kl.js';
import type { RlRow } from '../pipeline/tables.js';
import { type Context, outputPrompt, type Task } from '../tasks/task.js';
import { encodePrompt } from '../writers/local.js';
import type { TextModel } from '../writers/text-model.js';
import type { Reward } from './reward.js';

export interface RolloutOptions {
  /** Of the KL penalty, in units of reward per nat. */
  beta: number;
  /** Contexts a step, and samples of each: 2 or more. */
  prompts: number;
  samples: number;
  /** Of a sampled text at most. */
  maxTokens: number;
}

/** A context as π_θ reads it. */
export interface PromptedContext {
  text: string;
  prompt: readonly number[];
}

/** @throws UserError for a context that leaves no room in the model's window */
export const promptContexts = (
  theta: TextModel,
  { prompts }: Pick<Task, 'prompts'>,
  contexts: readonly Context[],
  maxTokens: number,
): PromptedContext[] =>
  contexts.map((context) => {
    const asked = outputPrompt(prompts, context);
    return { text: context.text, prompt: encodePrompt(theta, asked, maxTokens) };
  });

/** What step number `step` (from 0) takes, n of them: pass after pass over all, each in another order. */
export function ofStep<T>(all: readonly T[], step: number, n: number, seed: number): T[] {
  return Array.from({ length: n }, (_, i) => {
    const place = step * n + i;
    const order = permutation(all.length, randomStream(seed, Math.floor(place / all.length)));
    return all[order[place % all.length]!]!;
  });
}

/** A text of π_θ, with what is known of it. */
export interface RewardedRollout extends Rollout {
  /** r, without the penalty. */
  reward: number;
  /** ln π_θ − ln π_0, in nats. */
  logRatio: number;
}

/** What the log says of a step's texts. */
export const meansOf = (rollouts: readonly RewardedRollout[]): Pick<RlRow, 'reward' | 'kl' | 'length'> => ({
  reward: mean(rollouts.map(({ reward }) => reward)),
  kl: mean(rollouts.map(({ logRatio }) => logRatio)),
  length: mean(rollouts.map(({ completion }) => completion.length)),
});

/** Who takes part: π_θ, π_0, what is maximised, and the task that says what a text looks like. */
export interface Players {
  theta: TextModel;
  base: TextModel;
  reward: Reward;
  task: Pick<Task, 'format' | 'prompts'>;
}

/** `samples` texts from π_θ for each context, with rewards and a KL penalty against π_0. */
export async function sampleBatch(
  { theta: { lm, tokenizer }, base, reward, task }: Players,
  contexts: readonly PromptedContext[],
  { beta, samples, maxTokens }: Pick<RolloutOptions, 'beta' | 'samples' | 'maxTokens'>,
  seed: number,
): Promise<RewardedRollout[]> {
  const prompts = contexts.map(({ prompt }) => prompt);
  const options = { ...klSampling(maxTokens, seed), stopIds: tokenizer.ends };
  const drawn = await sample(lm, prompts, samples, options);
  const items = drawn.flatMap((of, i) => of.map(({ ids }) => ({ prompt: prompts[i]!, completion: ids })));
  const texts = drawn.flatMap((of, i) =>
    of.map(({ ids, finished }) => ({
      context: contexts[i]!.text,
      text: task.format.output.tidy(tokenizer.decode(ids), finished),
    })),
  );
  const rewards = await reward.score(texts);
  // Both by the same kind of pass, so that their ratio is exactly 1 where the models are equal.
  const logTheta = await scoreCompletions(lm, items);
  const logBase = await scoreCompletions(base.lm, items);
  const logRatios = items.map((_, i) => sum(logTheta[i]!) - sum(logBase[i]!));
  const values = penalisedRewards(rewards, logRatios, beta);
  const advantages = contexts.flatMap((_, i) =>
    leaveOneOutAdvantages(values.slice(i * samples, (i + 1) * samples)),
  );
  return items.map((item, i) => ({
    ...item,
    advantage: advantages[i]!,
    reward: rewards[i]!,
    logRatio: logRatios[i]!,
  }));
}
