/** r(c, x): what RL and best-of-n maximise. */

import { fitting, need, openReader, type TooLong } from '../pipeline/too-long.js';
import { openOutputQuestion } from '../rankers/answer-model/output-question.js';
import { hashPath, hashText } from '../store/hash.js';
import { type Prompts, wordingOf } from '../tasks/prompts.js';
import { type Context, contextName, type Task } from '../tasks/task.js';
import { requireModel } from '../writers/model-files.js';
import { forDistinct } from './distinct.js';

export interface RewardItem {
  /** The context's text. */
  context: string;
  text: string;
}

export interface Reward {
  /** Another one for another reward, so that a training does not go on with another reward than it began with. */
  readonly key: string;
  /** r of each item. */
  score(items: readonly RewardItem[], onProgress?: (done: number, total: number) => void): Promise<number[]>;
}

export interface OpenReward extends Reward {
  close(): Promise<void>;
}

/** The log-odds, in nats, that the reward model in `dir` answers to the task's question; equal texts are asked about once. */
export async function openReward(dir: string, { quality }: Prompts): Promise<OpenReward> {
  await requireModel(dir);
  const question = await openOutputQuestion(dir, quality);
  return {
    key: hashText(`${await hashPath(dir)}|${wordingOf(quality)}`),
    score: (items, onProgress) =>
      forDistinct(
        items,
        ({ context, text }) => JSON.stringify([context, text]),
        async (distinct) => {
          const candidates = distinct.map(({ context, text }) => ({ context, refinement: text }));
          const [rewards] = await question.ask([candidates], (done) =>
            onProgress?.(Math.round(done * distinct.length), distinct.length),
          );
          return rewards!;
        },
      ),
    close: question.close,
  };
}

/** The contexts on which models can write `maxTokens`, and a reward model can be asked about what they wrote. */
export async function rewardable(
  { prompts }: Pick<Task, 'prompts'>,
  contexts: readonly Context[],
  { models, rewardModel }: { models: readonly string[]; rewardModel: string },
  maxTokens: number,
  how: TooLong,
): Promise<Context[]> {
  const writers = await Promise.all(models.map(openReader));
  const reward = await openReader(rewardModel);
  const { prefix, suffix } = prompts.quality;
  return fitting(
    contexts,
    'contexts',
    contextName,
    ({ text }) => [
      ...writers.map((writer) => need(writer, maxTokens, prompts.write(text))),
      need(reward, maxTokens, prefix(text) + suffix('')),
    ],
    how,
  );
}

/** A reward model that is open as long as `use` runs. */
export async function withReward<T>(
  dir: string,
  prompts: Prompts,
  use: (reward: Reward) => Promise<T>,
): Promise<T> {
  const reward = await openReward(dir, prompts);
  try {
    return await use(reward);
  } finally {
    await reward.close();
  }
}
