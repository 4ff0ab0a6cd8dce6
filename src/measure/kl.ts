/** Step 6, how far tuning moved the model: KL(π_θ ‖ π_0) and KL(π_0 ‖ π_θ), given held-out prompts. */
import { estimateKl, type KlResult, type KlSampling } from '../bayes/kl.js';
import { compareCompletions } from '../lm/compare.js';
import { sample } from '../lm/sample.js';
import { texts as inTexts, type Progress } from '../pipeline/progress.js';
import { byContext, type KlRow } from '../pipeline/tables.js';
import { summaryPrompt } from '../tasks/prompts.js';
import { type Context, contextName } from '../tasks/task.js';
import type { TextModel } from '../writers/text-model.js';
import { encodePrompt, inChunks } from '../writers/texts.js';

export type KlDirection = 'tunedFromBase' | 'baseFromTuned';
export const KL_DIRECTIONS: readonly KlDirection[] = ['tunedFromBase', 'baseFromTuned'];

/** At temperature 1 from the whole vocabulary, whatever generation uses: other samples would not be from q. */
export const klSampling = (maxNewTokens: number, seed: number): KlSampling => ({
  temperature: 1,
  topP: 1,
  topK: 0,
  maxNewTokens,
  seed,
});

export type KlSettings = Record<KlDirection, KlSampling>;

export const klSettings = (maxNewTokens: number, seedOf: (direction: KlDirection) => number): KlSettings => ({
  tunedFromBase: klSampling(maxNewTokens, seedOf('tunedFromBase')),
  baseFromTuned: klSampling(maxNewTokens, seedOf('baseFromTuned')),
});

/** What a text continues: a prompt's tokens, and the context that it belongs to. */
export interface KlPrompt {
  context: string;
  ids: readonly number[];
}

/** What the contexts' summaries continue. @throws UserError for a context that leaves no `room` in the model, in tokens */
export const contextPrompts = (model: TextModel, contexts: readonly Context[], room: number): KlPrompt[] =>
  contexts.map((context) => ({
    context: context.id,
    ids: encodePrompt(model, summaryPrompt(context.text), room, contextName(context)),
  }));

/**
 * n texts from q for each prompt, with every token's log-probability under q and p and the exact KL at its prefix, all from one
 * pass of each model over the finished texts.
 */
async function sampleDirection(
  direction: KlDirection,
  q: Pick<TextModel, 'lm'>,
  p: Pick<TextModel, 'lm'>,
  prompts: readonly KlPrompt[],
  n: number,
  { maxNewTokens, ...sampling }: KlSampling,
  eos: number,
  onProgress: Progress,
): Promise<KlRow[]> {
  const of = direction === 'tunedFromBase' ? 'the tuned model' : 'the base model';
  const texts = await sample(
    q.lm,
    prompts.map(({ ids }) => ids),
    n,
    { ...sampling, maxNewTokens, stopIds: [eos] },
    inTexts(onProgress, `KL: sampling from ${of}`),
  );
  const items = prompts.flatMap(({ context, ids }, i) =>
    texts[i]!.map((text) => ({ context, prompt: ids, completion: text.ids })),
  );
  const compared = await inChunks(
    items,
    (some) => compareCompletions(q.lm, p.lm, some),
    inTexts(onProgress, 'KL: comparing'),
  );
  return items.map(({ context, completion }, i) => ({
    direction,
    context,
    ids: completion,
    logprobs_q: compared[i]!.logQ,
    logprobs_p: compared[i]!.logP,
    exact: compared[i]!.exact,
  }));
}

const models: Record<KlDirection, { q: string; p: string }> = {
  tunedFromBase: { q: 'tuned', p: 'base' },
  baseFromTuned: { q: 'base', p: 'tuned' },
};

/** A direction's texts [context][text]. */
export const textsOf = (rows: readonly KlRow[], direction: string) =>
  [...byContext(rows.filter((row) => row.direction === direction)).values()].map((of) =>
    of.map(({ ids, logprobs_q, logprobs_p, exact }) => ({ ids, logQ: logprobs_q, logP: logprobs_p, exact })),
  );

/** n texts from each model for each of the prompts that are for it. */
export async function sampleBothWays<M extends Pick<TextModel, 'lm'>>(
  tuned: M,
  base: M,
  promptsFor: (q: M) => readonly KlPrompt[],
  n: number,
  settings: KlSettings,
  eos: number,
  progress: Progress,
): Promise<KlRow[]> {
  const rows: KlRow[] = [];
  for (const direction of KL_DIRECTIONS) {
    const [q, p] = direction === 'tunedFromBase' ? [tuned, base] : [base, tuned];
    const prompts = promptsFor(q);
    rows.push(...(await sampleDirection(direction, q, p, prompts, n, settings[direction], eos, progress)));
  }
  return rows;
}

/** One text from each model for each context, for both directions. */
export function sampleForKl(
  tuned: TextModel,
  base: TextModel,
  contexts: readonly Context[],
  settings: KlSettings,
  progress: Progress,
): Promise<KlRow[]> {
  const room = settings.tunedFromBase.maxNewTokens;
  const promptsFor = (q: TextModel) => contextPrompts(q, contexts, room);
  return sampleBothWays(tuned, base, promptsFor, 1, settings, base.tokenizer.eos, progress);
}

/** The estimates of both directions, from their rows. */
export function measureKl(
  rows: readonly KlRow[],
  settings: KlSettings,
  conditional = true,
): Record<KlDirection, KlResult> {
  const estimate = (direction: KlDirection) =>
    estimateKl(textsOf(rows, direction), {
      ...models[direction],
      conditional,
      sampling: settings[direction],
    });
  return { tunedFromBase: estimate('tunedFromBase'), baseFromTuned: estimate('baseFromTuned') };
}
