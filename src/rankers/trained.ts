/** Rankers that are models of their own, trained to answer one question about an output. */
import { UserError } from '../store/errors.js';
import { type AnswerPrompt, type Prompts, wordingOf } from '../tasks/prompts.js';
import type { RankerDescriptor, RankerOptions } from './ranker.js';

export interface Trained extends Pick<RankerDescriptor, 'name' | 'label' | 'help' | 'probability'> {
  /** The model's folder, where one was given. */
  folder(options: RankerOptions): string | null;
  /** What it is asked. */
  prompt(prompts: Prompts): AnswerPrompt;
  /** R by the log-odds of the answer, in nats. */
  score(logOdds: number): number;
}

export function trainedRanker({ folder, prompt, score, ...of }: Trained): RankerDescriptor {
  const dirIn = (options: RankerOptions): string => {
    const dir = folder(options);
    if (dir === null)
      throw new UserError(
        `the ranker ${of.name} is a model of its own: make one by "node train.js reward-model", and give --${of.name} DIR`,
      );
    return dir;
  };
  return {
    ...of,
    madeFrom: (options) => ({
      models: [dirIn(options)],
      values: { question: wordingOf(prompt(options.prompts)) },
    }),
    async open(options) {
      const dir = dirIn(options);
      const { openOutputQuestion } = await import('./answer-model/output-question.js');
      const question = await openOutputQuestion(dir, prompt(options.prompts));
      return {
        close: question.close,
        score: async (groups, onProgress) =>
          (await question.ask(groups, onProgress)).map((group) =>
            group.map((logOdds) => ({ score: score(logOdds), perPrompt: [] })),
          ),
      };
    },
  };
}
