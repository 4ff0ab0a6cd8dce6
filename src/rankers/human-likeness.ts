import { humanPrompt } from '../tasks/prompts.js';
import { openAnswerModel } from './answer-model/answers.js';
import { ask, sigmoid } from './answer-model/ask.js';
import type { OpenRanker } from './ranker.js';
import { aboutSummary } from './reward-model.js';

/**
 * Opens the judge of human-likeness in `dir`, on our engine: the score is its probability that a person wrote the
 * refinement. It was trained to tell people's summaries from π_0's. Errors: UserError as of openAnswerModel.
 */
export async function openHumanLikeness(dir: string): Promise<OpenRanker> {
  const model = await openAnswerModel(dir, [humanPrompt], 'engine');
  return {
    name: 'human-likeness',
    close: model.close,
    async score(groups, onProgress) {
      const logOdds = await ask(model, [aboutSummary(humanPrompt)], groups, onProgress);
      return logOdds.map((group) => group.map(([odds]) => ({ score: sigmoid(odds!), perPrompt: [] })));
    },
  };
}
