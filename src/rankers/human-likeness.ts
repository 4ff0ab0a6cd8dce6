import { sigmoid } from './answer-model/ask.js';
import type { RankerDescriptor } from './ranker.js';
import { trainedFolder, wordingOf } from './trained.js';

/**
 * The probability that a person wrote the refinement, by a judge that was trained to tell people's outputs from π_0's. Not P(I = 1)
 * of the feedback, but a probability.
 */
export const humanLikeness: RankerDescriptor = {
  name: 'human-likeness',
  label: 'human-likeness',
  help: 'the probability that a person wrote it, by the judge that --human-likeness names',
  probability: true,
  madeFrom: (options) => ({
    models: [trainedFolder('human-likeness', options.humanLikeness)],
    values: { question: wordingOf(options.prompts.human) },
  }),
  async open(options) {
    const dir = trainedFolder('human-likeness', options.humanLikeness);
    const { openOutputQuestion } = await import('./answer-model/output-question.js');
    const question = await openOutputQuestion(dir, options.prompts.human);
    return {
      close: question.close,
      score: async (groups, onProgress) =>
        (await question.ask(groups, onProgress)).map((group) =>
          group.map((odds) => ({ score: sigmoid(odds), perPrompt: [] })),
        ),
    };
  },
};
