import type { RankerDescriptor } from './ranker.js';
import { trainedFolder, wordingOf } from './trained.js';

/** The reward, in nats: a reward model's log-odds of "Yes" to whether this is a good output. */
export const rewardModel: RankerDescriptor = {
  name: 'reward-model',
  label: 'reward-model',
  help: 'the reward of the reward model that --reward-model names',
  probability: false,
  madeFrom: (options) => ({
    models: [trainedFolder('reward-model', options.rewardModel)],
    values: { question: wordingOf(options.prompts.quality) },
  }),
  async open(options) {
    const dir = trainedFolder('reward-model', options.rewardModel);
    const { openOutputQuestion } = await import('./answer-model/output-question.js');
    const question = await openOutputQuestion(dir, options.prompts.quality);
    return {
      close: question.close,
      score: async (groups, onProgress) =>
        (await question.ask(groups, onProgress)).map((group) =>
          group.map((reward) => ({ score: reward, perPrompt: [] })),
        ),
    };
  },
};
