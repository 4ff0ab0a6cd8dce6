import { UserError } from '../store/errors.js';
import { judgePrompts, summaryPrompt } from '../tasks/prompts.js';
import type { Task } from '../tasks/task.js';
import { nameOf } from './generate.js';
import type { TextModel } from './model.js';
import type { LoopOptions } from './options.js';
import { CRITIQUE_TOKENS, feedbackThenOutput } from './policy.js';
import { writesOf } from './targets.js';

/**
 * Every context fits into both models together with all that will be written about it: found out before the run begins
 * instead of in its middle. The judge's questions are the longest texts.
 * @throws UserError naming the first context that is too long
 */
export function checkFit(
  task: Task,
  base: TextModel,
  instruct: TextModel,
  { maxTokens, targets }: Pick<LoopOptions, 'maxTokens' | 'targets'>,
): void {
  const splits = ['heldout', 'ilf'] as const;
  const contexts = splits.flatMap((split) => task.contexts(split, 0, task.size(split)));
  const tokens = ({ tokenizer }: TextModel, text: string) => tokenizer.encode(text).length;
  // Refinements with another context's feedback are judged too.
  const feedback = Math.max(CRITIQUE_TOKENS, ...contexts.map((of) => tokens(instruct, of.feedback ?? '')));
  for (const context of contexts) {
    const output = (model: TextModel) => Math.max(maxTokens, tokens(model, context.output ?? ''));
    // What π_θ reads, writes or learns after a post.
    const learned = targets === 'gold' ? tokens(base, context.gold ?? '') : 0;
    const before =
      writesOf(targets) === 'output'
        ? 0
        : Math.max(CRITIQUE_TOKENS, tokens(base, context.feedback ?? '')) +
          tokens(base, feedbackThenOutput('', ''));
    const questions = judgePrompts.map((prompt) =>
      tokens(instruct, prompt.prefix(context.text, '') + prompt.suffix('', '', context.text)),
    );
    const needed = [
      [base, tokens(base, summaryPrompt(context.text)) + before + Math.max(output(base), learned)],
      [instruct, Math.max(...questions) + output(instruct) + feedback + maxTokens],
    ] as const;
    for (const [{ dir, lm }, most] of needed)
      if (most > lm.description.positions)
        throw new UserError(
          `${nameOf(context)} is too long for the model ${dir}: it and what is written about it may take ${most} tokens, the model reads ${lm.description.positions}; shorten it or lower --max-tokens`,
        );
  }
}
