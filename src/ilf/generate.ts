import { summaryPrompt } from '../tasks/prompts.js';
import type { Context } from '../tasks/task.js';
import type { TextModel } from './model.js';
import { type Progress, texts } from './progress.js';
import type { InitialRow } from './tables.js';
import { type Sampling, sampleTexts, scoreTexts } from './texts.js';

/** Step 1: x0 ~ π_θ(·|c), or the output that the context came with; with its log-probability under π_θ. */
export async function generate(
  model: TextModel,
  contexts: readonly Context[],
  sampling: Sampling,
  seed: number,
  onProgress: Progress,
): Promise<InitialRow[]> {
  const without = contexts.filter(({ output }) => output === undefined);
  const sampled = await sampleTexts(
    model,
    without.map(({ text }) => summaryPrompt(text)),
    without.map(nameOf),
    1,
    sampling,
    seed,
    texts(onProgress, 'sampling outputs'),
  );
  const outputs = new Map(without.map(({ id }, i) => [id, sampled[i]![0]!]));
  const pairs = contexts.map(({ id, text, output }) => ({
    prompt: summaryPrompt(text),
    text: output ?? outputs.get(id)!,
  }));
  const logprobs = await scoreTexts(model, pairs, contexts.map(nameOf), texts(onProgress, 'scoring outputs'));
  return contexts.map(({ id, output }, i) => ({
    context: id,
    text: pairs[i]!.text,
    logprob: logprobs[i]!,
    sampled: output === undefined,
  }));
}

export const nameOf = ({ id }: { id: string }) => `context ${id}`;
