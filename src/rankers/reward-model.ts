import { trainedRanker } from './trained.js';

/** The reward, in nats: a reward model's log-odds of "Yes" to whether this is a good output. */
export const rewardModel = trainedRanker({
  name: 'reward-model',
  label: 'reward-model',
  help: 'the reward of the reward model that --reward-model names',
  probability: false,
  folder: (options) => options.rewardModel,
  prompt: ({ quality }) => quality,
  score: (logOdds) => logOdds,
});
