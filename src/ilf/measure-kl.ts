/** Step 6, how far tuning moved the model: KL(π_θ ‖ π_0) and KL(π_0 ‖ π_θ), given held-out prompts. */
import { estimateKl, type KlResult, type KlSampling } from '../bayes/kl.js';
import { sample } from '../lm/sample.js';
import { perTokenKL } from '../lm/score.js';
import { summaryPrompt } from '../tasks/prompts.js';
import type { Context } from '../tasks/task.js';
import { nameOf } from './generate.js';
import type { TextModel } from './model.js';
import { texts as inTexts, type Progress } from './progress.js';
import { byContext, type KlRow } from './tables.js';
import { encodePrompt, scoreAll } from './texts.js';

export type KlDirection = 'tunedFromBase' | 'baseFromTuned';

/** At temperature 1 from the whole vocabulary, whatever generation uses: other samples would not be from q. */
export const klSampling = (maxNewTokens: number, seed: number): KlSampling => ({
  temperature: 1,
  topP: 1,
  topK: 0,
  maxNewTokens,
  seed,
});

/**
 * One text from q for each context, with every token's log-probability under q and p and the exact KL at its prefix.
 * Both log-probabilities come from one kind of pass over the finished text.
 */
async function sampleDirection(
  direction: KlDirection,
  q: TextModel,
  p: TextModel,
  contexts: readonly Context[],
  { maxNewTokens, ...sampling }: KlSampling,
  onProgress: Progress,
): Promise<KlRow[]> {
  const prompts = contexts.map((context) =>
    encodePrompt(q, summaryPrompt(context.text), maxNewTokens, nameOf(context)),
  );
  const options = { ...sampling, maxNewTokens, stopIds: [q.tokenizer.eos] };
  const of = direction === 'tunedFromBase' ? 'the tuned model' : 'the base model';
  const texts = await sample(q.lm, prompts, 1, options, inTexts(onProgress, `KL: sampling from ${of}`));
  const items = prompts.map((prompt, i) => ({ prompt, completion: texts[i]![0]!.ids }));
  const scoring = inTexts(onProgress, 'KL: scoring');
  const logQ = await scoreAll(q.lm, items, scoring);
  const logP = await scoreAll(p.lm, items, scoring);
  const exact = await perTokenKL(q.lm, p.lm, items);
  return contexts.map(({ id }, i) => ({
    direction,
    context: id,
    ids: items[i]!.completion,
    logprobs_q: logQ[i]!,
    logprobs_p: logP[i]!,
    exact: exact[i]!,
  }));
}

const models: Record<KlDirection, { q: string; p: string }> = {
  tunedFromBase: { q: 'tuned', p: 'base' },
  baseFromTuned: { q: 'base', p: 'tuned' },
};

/** The estimates of one direction, from its rows. */
function estimateDirection(rows: readonly KlRow[], direction: KlDirection, sampling: KlSampling): KlResult {
  const texts = byContext(rows.filter((row) => row.direction === direction));
  return estimateKl(
    [...texts.values()].map((of) =>
      of.map(({ logprobs_q, logprobs_p, exact }) => ({ logQ: logprobs_q, logP: logprobs_p, exact })),
    ),
    { ...models[direction], conditional: true, sampling },
  );
}

export type KlSettings = Record<KlDirection, KlSampling>;

/** Texts from each model, for both directions. */
export async function sampleForKl(
  tuned: TextModel,
  base: TextModel,
  contexts: readonly Context[],
  settings: KlSettings,
  progress: Progress,
): Promise<KlRow[]> {
  return [
    ...(await sampleDirection('tunedFromBase', tuned, base, contexts, settings.tunedFromBase, progress)),
    ...(await sampleDirection('baseFromTuned', base, tuned, contexts, settings.baseFromTuned, progress)),
  ];
}

export function measureKl(rows: readonly KlRow[], settings: KlSettings): Record<KlDirection, KlResult> {
  return {
    tunedFromBase: estimateDirection(rows, 'tunedFromBase', settings.tunedFromBase),
    baseFromTuned: estimateDirection(rows, 'baseFromTuned', settings.baseFromTuned),
  };
}
