/** One question about an output for its context: what it was made from is not looked at. */
import type { AnswerPrompt } from '../../tasks/prompts.js';
import type { Candidate } from '../ranker.js';
import { openAnswerModel, type Question } from './answers.js';
import { ask } from './ask.js';

/** What the question is about. */
export type Output = Pick<Candidate, 'context' | 'refinement'>;

export const aboutOutput =
  ({ positive, negative, prefix, suffix }: AnswerPrompt) =>
  ({ context, refinement }: Output): Question => ({
    prefix: prefix(context),
    suffix: suffix(refinement),
    positive,
    negative,
  });

/** The log-odds of the prompt's answers about each candidate, [group][candidate], in nats. */
export interface OutputQuestion {
  ask(groups: readonly (readonly Output[])[], onProgress?: (done: number) => void): Promise<number[][]>;
  close(): Promise<void>;
}

/** Opens the model in `dir` on our engine. @throws UserError as of openAnswerModel */
export async function openOutputQuestion(dir: string, prompt: AnswerPrompt): Promise<OutputQuestion> {
  const model = await openAnswerModel(dir, [prompt], 'engine');
  return {
    close: model.close,
    ask: async (groups, onProgress) => {
      const logOdds = await ask(model, [aboutOutput(prompt)], groups, onProgress);
      return logOdds.map((group) => group.map(([odds]) => odds!));
    },
  };
}
