/**
 * InstructRM (Scheurer et al. 2023, section 3.1 and appendix): an instruction-tuned LM is asked whether a refinement
 * takes up the feedback, in several wordings. A wording's score is p(positive) / (p(positive) + p(negative)) of the
 * next token; R is the arithmetic mean over the wordings.
 *
 * Deliberately not here: the choice of a refinement, and the prompts, which the task brings.
 */
import { UserError } from '../store/errors.js';
import { type JudgePrompt, type Prompts, wordingOf } from '../tasks/prompts.js';
import type { Question } from './answer-model/answers.js';
import { sigmoid } from './answer-model/ask.js';
import type { Candidate, RankerDescriptor } from './ranker.js';

const question =
  ({ positive, negative, prefix, suffix }: JudgePrompt) =>
  ({ context, initial, feedback, refinement }: Candidate): Question => ({
    prefix: prefix(context, initial),
    suffix: suffix(refinement, feedback, context),
    positive,
    negative,
  });

/** InstructRM with some of the task's prompts. */
const withPrompts = (
  of: Pick<RankerDescriptor, 'name' | 'label' | 'help'>,
  choose: (prompts: Prompts) => readonly JudgePrompt[],
): RankerDescriptor => ({
  ...of,
  probability: true,
  // The prompts' own words: a task whose judge is asked otherwise has other scores.
  madeFrom: ({ judge, host, prompts }) => ({
    models: [judge],
    values: { host, prompts: choose(prompts).map(wordingOf) },
  }),
  async open({ judge, host, prompts }) {
    const chosen = choose(prompts);
    const { openAnswerModel } = await import('./answer-model/answers.js');
    const { ask } = await import('./answer-model/ask.js');
    const model = await openAnswerModel(judge, chosen, host);
    return {
      close: model.close,
      needs: (candidate) => model.needs(chosen.map((prompt) => question(prompt)(candidate))),
      async score(groups, onProgress) {
        const logOdds = await ask(model, chosen.map(question), groups, onProgress);
        return logOdds.map((group) =>
          group.map((answers) => {
            const perPrompt = answers.map(sigmoid);
            return { score: perPrompt.reduce((sum, p) => sum + p, 0) / chosen.length, perPrompt };
          }),
        );
      },
    };
  },
});

export const instructRm: RankerDescriptor = withPrompts(
  {
    name: 'instruct-rm',
    label: 'InstructRM',
    help: 'whether the feedback was incorporated, by the judge: the mean over its prompts',
  },
  ({ judge }) => judge,
);

/** One of the prompts alone; the published ensemble has five. */
export const instructRmPrompts: readonly RankerDescriptor[] = [1, 2, 3, 4, 5].map((number) =>
  withPrompts(
    {
      name: `instruct-rm-${number}`,
      label: `instruct-rm-${number}`,
      help: `prompt ${number} of instruct-rm alone`,
    },
    ({ judge }) => {
      const prompt = judge[number - 1];
      if (!prompt)
        throw new UserError(
          `the task has ${judge.length} prompts for its judge: there is no instruct-rm-${number}`,
        );
      return [prompt];
    },
  ),
);
