import { UserError } from '../store/errors.js';
import { judgePrompts, summaryPrompt } from '../tasks/prompts.js';
import type { Task } from '../tasks/task.js';
import { CRITIQUE_TOKENS } from './feedback.js';
import { nameOf } from './generate.js';
import type { TextModel } from './model.js';

/**
 * Every context fits into both models together with all that will be written about it: found out before the run begins
 * instead of in its middle. The judge's questions are the longest texts.
 * @throws UserError naming the first context that is too long
 */
export function checkFit(task: Task, base: TextModel, instruct: TextModel, maxTokens: number): void {
  const splits = ['heldout', 'ilf'] as const;
  const contexts = splits.flatMap((split) => task.contexts(split, 0, task.size(split)));
  const tokens = ({ tokenizer }: TextModel, text: string) => tokenizer.encode(text).length;
  // Refinements with another context's feedback are judged too.
  const feedback = Math.max(CRITIQUE_TOKENS, ...contexts.map((of) => tokens(instruct, of.feedback ?? '')));
  for (const context of contexts) {
    const output = Math.max(maxTokens, tokens(instruct, context.output ?? ''));
    const questions = judgePrompts.map((prompt) =>
      tokens(instruct, prompt.prefix(context.text, '') + prompt.suffix('', '', context.text)),
    );
    const needed = [
      [base, tokens(base, summaryPrompt(context.text)) + maxTokens],
      [instruct, Math.max(...questions) + output + feedback + maxTokens],
    ] as const;
    for (const [{ dir, lm }, most] of needed)
      if (most > lm.config.n_positions)
        throw new UserError(
          `${nameOf(context)} is too long for the model ${dir}: it and what is written about it may take ${most} tokens, the model reads ${lm.config.n_positions}; shorten it or lower --max-tokens`,
        );
  }
}
