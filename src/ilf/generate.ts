import { type OutputFormat, outputIn, roomFor } from '../pipeline/policy.js';
import { type Progress, texts } from '../pipeline/progress.js';
import type { InitialRow } from '../pipeline/tables.js';
import { summaryPrompt } from '../tasks/prompts.js';
import { type Context, contextName } from '../tasks/task.js';
import type { TextModel } from '../writers/text-model.js';
import { type Sampling, sampleTexts, scoreTexts } from '../writers/texts.js';

/**
 * Step 1: x0 ~ π_θ(·|c), or the output that the context came with; with its log-probability under π_θ. Where π_θ `writes`
 * feedback before an output, that is not part of x0, but of the text whose log-probability it is.
 */
export async function generate(
  model: TextModel,
  contexts: readonly Context[],
  sampling: Sampling,
  seed: number,
  onProgress: Progress,
  writes: OutputFormat = 'output',
): Promise<InitialRow[]> {
  const without = contexts.filter(({ output }) => output === undefined);
  const sampled = await sampleTexts(
    model,
    without.map(({ text }) => summaryPrompt(text)),
    without.map(contextName),
    1,
    { ...sampling, maxNewTokens: roomFor(writes, sampling.maxNewTokens) },
    seed,
    texts(onProgress, 'sampling outputs'),
  );
  const written = new Map(without.map(({ id }, i) => [id, sampled[i]![0]!]));
  const pairs = contexts.map(({ id, text, output }) => ({
    prompt: summaryPrompt(text),
    text: output ?? written.get(id)!,
  }));
  const logprobs = await scoreTexts(
    model,
    pairs,
    contexts.map(contextName),
    texts(onProgress, 'scoring outputs'),
  );
  return contexts.map(({ id, output }, i) => ({
    context: id,
    text: output ?? outputIn(pairs[i]!.text, writes),
    logprob: logprobs[i]!,
    sampled: output === undefined,
  }));
}
