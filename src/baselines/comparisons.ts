/** Where comparisons come from: the simulated annotator's choice between two samples, or its own writing against a sample. */

import { type Progress, texts } from '../pipeline/progress.js';
import { UserError } from '../store/errors.js';
import { type AnswerPrompt, humanPrompt, qualityPrompt, summaryPrompt } from '../tasks/prompts.js';
import { type Context, contextName, type Task } from '../tasks/task.js';
import type { TextModel } from '../writers/text-model.js';
import { type Sampling, sampleTexts } from '../writers/texts.js';
import type { Comparison } from './reward-model.js';

/** Which of two is better, or which a person wrote. */
export const KINDS = ['quality', 'human'] as const;
export type ComparisonKind = (typeof KINDS)[number];

/** The question about a text that comparisons of each kind teach to answer. */
export const PROMPTS: Record<ComparisonKind, AnswerPrompt> = { quality: qualityPrompt, human: humanPrompt };

type Compare = (
  task: Task,
  base: TextModel,
  contexts: readonly Context[],
  sampling: Sampling,
  seed: number,
  onProgress: Progress,
) => Promise<Comparison[]>;

/** n samples of π_0 for each context. */
const samplesOf = (
  base: TextModel,
  contexts: readonly Context[],
  n: number,
  sampling: Sampling,
  seed: number,
  onProgress: Progress,
): Promise<string[][]> =>
  sampleTexts(
    base,
    contexts.map(({ text }) => summaryPrompt(text)),
    contexts.map(contextName),
    n,
    sampling,
    seed,
    texts(onProgress, 'sampling comparisons'),
  );

/** A comparison; none where both are equal, since there is nothing to learn from it. */
const toComparison = ({ id, text }: Context, chosen: string, rejected: string): Comparison[] =>
  chosen === rejected ? [] : [{ context: id, post: text, chosen, rejected }];

/** Two samples of π_0 for each context, as the task's annotator orders them. @throws UserError where it has none */
export const sampleComparisons: Compare = async (task, base, contexts, sampling, seed, onProgress) => {
  const { prefers } = task;
  if (!prefers)
    throw new UserError(
      `${task.name} has no annotator who compares outputs; give comparisons of your own (--comparisons)`,
    );
  const samples = await samplesOf(base, contexts, 2, sampling, seed, onProgress);
  return contexts.flatMap((context, i) => {
    const [first, second] = samples[i] as [string, string];
    return prefers(context, first, second, String(seed))
      ? toComparison(context, first, second)
      : toComparison(context, second, first);
  });
};

/** What the task's writers wrote against a sample of π_0. @throws UserError where it has none */
export const humanComparisons: Compare = async (task, base, contexts, sampling, seed, onProgress) => {
  const { written } = task;
  if (!written)
    throw new UserError(
      `${task.name} has no writers of outputs; give comparisons of your own (--comparisons)`,
    );
  const samples = await samplesOf(base, contexts, 1, sampling, seed, onProgress);
  return contexts.flatMap((context, i) =>
    toComparison(context, written(context, String(seed)), samples[i]![0]!),
  );
};

export const COMPARE: Record<ComparisonKind, Compare> = {
  quality: sampleComparisons,
  human: humanComparisons,
};
