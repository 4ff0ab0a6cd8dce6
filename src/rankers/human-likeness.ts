import { sigmoid } from './answer-model/ask.js';
import { trainedRanker } from './trained.js';

/**
 * The probability that a person wrote the refinement, by a judge that was trained to tell people's outputs from π_0's. Not P(I = 1)
 * of the feedback, but a probability.
 */
export const humanLikeness = trainedRanker({
  name: 'human-likeness',
  label: 'human-likeness',
  help: 'the probability that a person wrote it, by the judge that --human-likeness names',
  probability: true,
  folder: (options) => options.humanLikeness,
  prompt: ({ human }) => human,
  score: sigmoid,
});
