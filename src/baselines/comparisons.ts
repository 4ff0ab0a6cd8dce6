/** Where comparisons come from: the simulated annotator's choice between two samples, or its own writing against a sample. */
import { samplingOf } from '../pipeline/options.js';
import { type Progress, texts } from '../pipeline/progress.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { comparisonsTable, toContextRow } from '../pipeline/tables.js';
import { UserError } from '../store/errors.js';
import type { Json } from '../store/hash.js';
import type { AnswerPrompt, Prompts } from '../tasks/prompts.js';
import { type Context, outputPrompt, type Task } from '../tasks/task.js';
import { localWriter } from '../writers/local.js';
import type { Sampling, Writer } from '../writers/writer.js';

/** Two outputs of one context, of which one was preferred. */
export interface Comparison {
  /** The context's id. */
  context: string;
  /** Its text. */
  text: string;
  chosen: string;
  rejected: string;
  /** Where a person's file has it, "PATH:LINE", for messages. */
  where?: string;
}

/** Which of two is better, or which a person wrote. */
export const KINDS = ['quality', 'human'] as const;
export type ComparisonKind = (typeof KINDS)[number];

/** The question about a text that comparisons of each kind teach to answer. */
export const promptOf = (kind: ComparisonKind, prompts: Prompts): AnswerPrompt => prompts[kind];

/** What is compared. */
export interface Compared {
  task: Task;
  kind: ComparisonKind;
  contexts: readonly Context[];
  sampling: Sampling;
  seed: number;
}

/**
 * A comparison on each context: two samples of π_0 as the task's annotator orders them, or what its writers wrote against a sample.
 * None where both are equal, since there is nothing to learn from it. @throws UserError where the task has none of these
 */
export async function compare(base: Writer, of: Compared, progress: Progress): Promise<Comparison[]> {
  const { task, kind, contexts, sampling, seed } = of;
  const decide = decider(task, kind, String(seed));
  const samples = await base.write(
    contexts.map((context) => outputPrompt(task.prompts, context)),
    kind === 'quality' ? 2 : 1,
    { ...sampling, format: task.format.output, seed },
    texts(progress, 'sampling comparisons'),
  );
  return contexts.flatMap((context, i) => {
    const [chosen, rejected] = decide(
      context,
      samples[i]!.map(({ text }) => text),
    );
    return chosen === rejected ? [] : [{ context: context.id, text: context.text, chosen, rejected }];
  });
}

type Decide = (context: Context, samples: string[]) => [chosen: string, rejected: string];

function decider({ name, prefers, written }: Task, kind: ComparisonKind, key: string): Decide {
  const absent = (who: string) =>
    new UserError(`${name} has no ${who}; give comparisons of your own (--comparisons)`);
  switch (kind) {
    case 'quality':
      if (!prefers) throw absent('annotator who compares outputs');
      return (context, samples) => {
        const [first, second] = samples as [string, string];
        return prefers(context, first, second, key) ? [first, second] : [second, first];
      };
    case 'human':
      if (!written) throw absent('writers of outputs');
      return (context, [sample]) => [written(context, key), sample!];
    default:
      return kind satisfies never;
  }
}

/** The table `folder`/comparisons: one on each context; fewer where two outputs were equal. */
export function comparisonsStep(
  run: RunContext,
  folder: string,
  kind: ComparisonKind,
  contexts: readonly Context[],
): Promise<Comparison[]> {
  const { task, options } = run;
  const sampling = samplingOf(options);
  const seed = stepSeed(options.seed, folder, 'comparisons');
  const values = {
    ...{ ...sampling, kind, seed, format: task.format.output.name },
    contexts: contexts.map(toContextRow),
  } as unknown as Json;
  const inputs = { models: [options.base], values };
  return tableStep(run, `${folder}/comparisons`, comparisonsTable, inputs, async (progress) => {
    const base = localWriter(await run.models.get(options.base));
    return compare(base, { task, kind, contexts, sampling, seed }, progress);
  });
}
