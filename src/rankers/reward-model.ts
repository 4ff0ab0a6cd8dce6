import { type AnswerPrompt, qualityPrompt } from '../tasks/prompts.js';
import { openAnswerModel, type Question } from './answer-model/answers.js';
import { ask } from './answer-model/ask.js';
import type { Candidate, OpenRanker } from './ranker.js';

/** The question about a refinement as a summary of its context: what it was made from is not looked at. */
export const aboutSummary =
  ({ positive, negative, prefix, suffix }: AnswerPrompt) =>
  ({ context, refinement }: Pick<Candidate, 'context' | 'refinement'>): Question => ({
    prefix: prefix(context),
    suffix: suffix(refinement),
    positive,
    negative,
  });

/**
 * Opens the reward model in `dir`, on our engine: the reward, in nats, is the log-odds of "Yes" to whether this is a good
 * summary. Errors: UserError as of openAnswerModel.
 */
export async function openRewardModel(dir: string): Promise<OpenRanker> {
  const model = await openAnswerModel(dir, [qualityPrompt], 'engine');
  return {
    name: 'reward-model',
    close: model.close,
    async score(groups, onProgress) {
      const rewards = await ask(model, [aboutSummary(qualityPrompt)], groups, onProgress);
      return rewards.map((group) => group.map(([reward]) => ({ score: reward!, perPrompt: [] })));
    },
  };
}
