import { CRITIQUE_TOKENS } from '../feedback/critic.js';
import type { LoopOptions } from '../pipeline/options.js';
import { feedbackThenOutput } from '../pipeline/policy.js';
import { fitting, type Need, type Reader, type TooLong } from '../pipeline/too-long.js';
import { type Context, contextName, type Task, type TaskSplit } from '../tasks/task.js';
import { encodeStart } from '../text/tokenizer.js';
import { targetKind } from './target-kinds.js';

/** Who reads contexts. `critic`: null where it is not asked. */
export type Readers = Record<'base' | 'refiner' | 'judge', Reader> & { critic: Reader | null };

type Lengths = Pick<LoopOptions, 'maxTokens' | 'targets'>;

/**
 * What every context may take of each model with all that will be written about it: found out before the run begins instead of in its
 * middle. The judge's questions are the longest texts.
 */
function needsOf(
  task: Task,
  /** Whose feedback refinements of any context may be judged with: another context's is a control. */
  others: readonly Context[],
  { base, refiner, critic, judge }: Readers,
  { maxTokens, targets }: Lengths,
): (context: Context) => Need[] {
  const { prompts } = task;
  const { name, writes } = targetKind(targets);
  const tokens = ({ tokenizer }: Reader, text: string) => encodeStart(tokenizer, text).length;
  const longest = (model: Reader) =>
    others.reduce((most, of) => Math.max(most, tokens(model, of.feedback ?? '')), CRITIQUE_TOKENS);
  const most = { refiner: longest(refiner), judge: longest(judge) };
  return (context) => {
    const [toRefiner, toJudge] = (['refiner', 'judge'] as const).map((who) =>
      Math.max(most[who], tokens({ refiner, judge }[who], context.feedback ?? '')),
    ) as [number, number];
    const output = (model: Reader) => Math.max(maxTokens, tokens(model, context.output ?? ''));
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
    // A text of one's own is written to be judged, too.
    const judged = Math.max(maxTokens, tokens(judge, context.gold ?? ''));
    return [
      {
        model: base,
        tokens: tokens(base, prompts.write(context.text)) + before + Math.max(output(base), learned),
      },
      {
        model: refiner,
        tokens:
          tokens(refiner, prompts.refine(context.text, '', '')) + output(refiner) + toRefiner + maxTokens,
      },
      { model: judge, tokens: Math.max(0, ...questions) + output(judge) + toJudge + judged },
      ...(critic
        ? [
            {
              model: critic,
              tokens: tokens(critic, prompts.critique(context.text, '')) + output(critic) + CRITIQUE_TOKENS,
            },
          ]
        : []),
    ];
  };
}

/** @throws UserError that lists the contexts that are too long */
export function checkFit(
  task: Task,
  contexts: readonly Context[],
  readers: Readers,
  lengths: Lengths,
  how: TooLong,
): Context[] {
  // A context that its own feedback makes too long gives none to others.
  const own = needsOf(task, [], readers, lengths);
  const fits = contexts.filter((context) =>
    own(context).every(({ model, tokens }) => tokens <= model.window),
  );
  return fitting(contexts, 'contexts', contextName, needsOf(task, fits, readers, lengths), how);
}

/** The task without the contexts that are too long: of those that it has, or where they are made on demand, of those that are asked for. */
export function fittingTask(task: Task, readers: Readers, lengths: Lengths, how: TooLong): Task {
  const whole = (split: TaskSplit) => task.contexts(split, 0, task.size(split));
  if (!Number.isFinite(task.size('ilf')) || !Number.isFinite(task.size('heldout'))) return task;
  const all = [...whole('heldout'), ...whole('ilf')];
  const kept = new Set(checkFit(task, all, readers, lengths, how).map(({ id }) => id));
  if (kept.size === all.length) return task;
  const parts = {
    heldout: whole('heldout').filter(({ id }) => kept.has(id)),
    ilf: whole('ilf').filter(({ id }) => kept.has(id)),
  };
  // A task of a person's own may be an instance of a class.
  return Object.assign(Object.create(task) as Task, {
    size: (split: TaskSplit) => parts[split].length,
    contexts: (split: TaskSplit, from: number, n: number) => parts[split].slice(from, from + n),
  });
}
