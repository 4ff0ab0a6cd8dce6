/**
 * InstructRM (Scheurer et al. 2023, section 3.1 and appendix): an instruction-tuned LM is asked whether a refinement
 * takes up the feedback, in several wordings. A wording's score is p(positive) / (p(positive) + p(negative)) of the
 * next token; R is the arithmetic mean over the wordings.
 *
 * Deliberately not here: the choice of a refinement, and the prompts, which the task brings.
 */
import type { JudgePrompt } from '../tasks/prompts.js';
import { openAnswerModel, type Question } from './answer-model/answers.js';
import { ask, sigmoid } from './answer-model/ask.js';
import type { Host } from './names.js';
import type { Candidate, OpenRanker } from './ranker.js';

const question =
  ({ positive, negative, prefix, suffix }: JudgePrompt) =>
  ({ context, initial, feedback, refinement }: Candidate): Question => ({
    prefix: prefix(context, initial),
    suffix: suffix(refinement, feedback, context),
    positive,
    negative,
  });

/**
 * Opens the judge in `dir`, for one prompt or an ensemble. Errors: UserError as of openAnswerModel; `score` throws one for
 * a question that is longer than the model's context.
 */
export async function openInstructRM(
  name: string,
  dir: string,
  prompts: readonly JudgePrompt[],
  host: Host,
): Promise<OpenRanker> {
  const model = await openAnswerModel(dir, prompts, host);
  return {
    name,
    close: model.close,
    async score(groups, onProgress) {
      const logOdds = await ask(model, prompts.map(question), groups, onProgress);
      return logOdds.map((group) =>
        group.map((answers) => {
          const perPrompt = answers.map(sigmoid);
          return { score: perPrompt.reduce((sum, p) => sum + p, 0) / prompts.length, perPrompt };
        }),
      );
    },
  };
}
