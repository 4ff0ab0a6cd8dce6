/** r(c, x): what RL and best-of-n maximise. */
import { openAnswerModel } from '../rankers/answer-model/answers.js';
import { aboutSummary } from '../rankers/reward-model.js';
import { hashPath } from '../store/hash.js';
import { qualityPrompt } from '../tasks/prompts.js';
import { requireModel } from '../writers/model-files.js';
import { forDistinct } from './distinct.js';

export interface RewardItem {
  post: string;
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

/** The log-odds, in nats, that the reward model in `dir` answers to `qualityPrompt`; equal texts are asked about once. */
export async function openReward(dir: string): Promise<OpenReward> {
  await requireModel(dir);
  const ask = aboutSummary(qualityPrompt);
  const model = await openAnswerModel(dir, [qualityPrompt], 'engine');
  return {
    key: (await hashPath(dir))!,
    score: (items, onProgress) =>
      forDistinct(
        items,
        ({ post, text }) => JSON.stringify([post, text]),
        (distinct) =>
          model.logOdds(
            distinct.map(({ post, text }) => ask({ context: post, refinement: text })),
            (done) => onProgress?.(done, distinct.length),
          ),
      ),
    close: () => model.close(),
  };
}

/** A reward model that is open as long as `use` runs. */
export async function withReward<T>(dir: string, use: (reward: Reward) => Promise<T>): Promise<T> {
  const reward = await openReward(dir);
  try {
    return await use(reward);
  } finally {
    await reward.close();
  }
}
