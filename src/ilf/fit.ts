import { CRITIQUE_TOKENS } from '../feedback/critic.js';
import type { LoopOptions } from '../pipeline/options.js';
import { feedbackThenOutput } from '../pipeline/policy.js';
import { UserError } from '../store/errors.js';
import { type Context, contextName, type Task } from '../tasks/task.js';
import { encodeStart } from '../text/tokenizer.js';
import type { TextModel } from '../writers/text-model.js';
import { targetKind } from './target-kinds.js';

/** Who reads them. `critic`: null where it is not asked. */
type Models = Record<'base' | 'refiner' | 'judge', TextModel> & { critic: TextModel | null };

/**
 * Every context fits into all models together with all that will be written about it: found out before the run begins
 * instead of in its middle. The judge's questions are the longest texts.
 * @throws UserError naming the first context that is too long
 */
export function checkFit(
  task: Task,
  contexts: readonly Context[],
  { base, refiner, critic, judge }: Models,
  { maxTokens, targets }: Pick<LoopOptions, 'maxTokens' | 'targets'>,
): void {
  const { prompts } = task;
  const { name, writes } = targetKind(targets);
  const tokens = ({ tokenizer }: TextModel, text: string) => encodeStart(tokenizer, text).length;
  // Refinements with another context's feedback are judged too.
  const feedbackOf = (model: TextModel) =>
    Math.max(CRITIQUE_TOKENS, ...contexts.map((of) => tokens(model, of.feedback ?? '')));
  const [toRefiner, toJudge] = [feedbackOf(refiner), feedbackOf(judge)];
  for (const context of contexts) {
    const output = (model: TextModel) => Math.max(maxTokens, tokens(model, context.output ?? ''));
    // What π_θ reads, writes or learns after a prompt.
    const learned = name === 'gold' ? tokens(base, context.gold ?? '') : 0;
    const before =
      writes === 'output'
        ? 0
        : Math.max(CRITIQUE_TOKENS, tokens(base, context.feedback ?? '')) +
          tokens(base, feedbackThenOutput(prompts, '', ''));
    const questions = prompts.judge.map((prompt) =>
      tokens(judge, prompt.prefix(context.text, '') + prompt.suffix('', '', context.text)),
    );
    const needed = [
      [base, tokens(base, prompts.write(context.text)) + before + Math.max(output(base), learned)],
      [
        refiner,
        tokens(refiner, prompts.refine(context.text, '', '')) + output(refiner) + toRefiner + maxTokens,
      ],
      [judge, Math.max(0, ...questions) + output(judge) + toJudge + maxTokens],
      ...(critic
        ? [
            [
              critic,
              tokens(critic, prompts.critique(context.text, '')) + output(critic) + CRITIQUE_TOKENS,
            ] as const,
          ]
        : []),
    ] as const;
    for (const [{ dir, lm }, most] of needed)
      if (most > lm.description.positions)
        throw new UserError(
          `${contextName(context)} is too long for the model ${dir}: it and what is written about it may take ${most} tokens, the model reads ${lm.description.positions}; shorten it or lower --max-tokens`,
        );
  }
}
