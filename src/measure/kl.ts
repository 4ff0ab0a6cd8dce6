/** Step 6, how far tuning moved the model: KL(π_θ ‖ π_0) and KL(π_0 ‖ π_θ), given held-out prompts. */

import { estimateKl, type KlResult, type KlSampling } from '../bayes/kl.js';
import { compareCompletions } from '../lm/compare.js';
import { sample } from '../lm/sample.js';
import { type Policy, roomFor } from '../pipeline/policy.js';
import { texts as inTexts, type Progress } from '../pipeline/progress.js';
import { type RunContext, tableStep } from '../pipeline/run-context.js';
import { stepSeed } from '../pipeline/seeds.js';
import { byContext, type KlRow, klTable } from '../pipeline/tables.js';
import { type Context, outputPrompt, type Task } from '../tasks/task.js';
import { inChunks } from '../writers/chunks.js';
import { encodePrompt } from '../writers/local.js';
import type { TextModel } from '../writers/text-model.js';

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

/** What the contexts' outputs continue. @throws UserError for a context that leaves no `room` in the model, in tokens */
export const contextPrompts = (
  model: TextModel,
  { prompts }: Pick<Task, 'prompts'>,
  contexts: readonly Context[],
  room: number,
): KlPrompt[] =>
  contexts.map((context) => ({
    context: context.id,
    ids: encodePrompt(model, outputPrompt(prompts, context), room),
  }));

/** Two models, and what is sampled from each. */
export interface BothWays {
  tuned: Pick<TextModel, 'lm'>;
  base: Pick<TextModel, 'lm'>;
  /** What each direction's texts continue. */
  prompts: Record<KlDirection, readonly KlPrompt[]>;
  /** Texts for each prompt. */
  n: number;
  settings: KlSettings;
  /** The ids that end a text. */
  ends: readonly number[];
}

/** Texts from each model, for both directions. */
export async function sampleBothWays(of: BothWays, progress: Progress): Promise<KlRow[]> {
  const rows: KlRow[] = [];
  for (const direction of KL_DIRECTIONS) rows.push(...(await sampleDirection(direction, of, progress)));
  return rows;
}

/**
 * n texts from q for each prompt, with every token's log-probability under q and p and the exact KL at its prefix, all from one
 * pass of each model over the finished texts.
 */
async function sampleDirection(
  direction: KlDirection,
  { tuned, base, prompts, n, settings, ends }: BothWays,
  progress: Progress,
): Promise<KlRow[]> {
  const fromTuned = direction === 'tunedFromBase';
  const [q, p] = fromTuned ? [tuned.lm, base.lm] : [base.lm, tuned.lm];
  const asked = prompts[direction];
  const texts = await sample(
    q,
    asked.map(({ ids }) => ids),
    n,
    { ...settings[direction], stopIds: ends },
    inTexts(progress, `KL: sampling from the ${fromTuned ? 'tuned' : 'base'} model`),
  );
  const items = asked.flatMap(({ context, ids }, i) =>
    texts[i]!.map((text) => ({ context, prompt: ids, completion: text.ids })),
  );
  const compared = await inChunks(
    items,
    (some) => compareCompletions(q, p, some),
    inTexts(progress, 'KL: comparing'),
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

/** A text from a model and from π_0 for each context, for both KLs: the table `folder`/kl, and how they were sampled. */
export async function klStep(
  run: RunContext,
  folder: string,
  { dir, writes }: Policy,
  contexts: readonly Context[],
  /** The table that the contexts are in. */
  from: string,
): Promise<{ rows: KlRow[]; settings: KlSettings }> {
  const { seed, base, maxTokens } = run.options;
  // One limit for both: what is compared are distributions over texts of so many tokens.
  const room = roomFor(writes, maxTokens);
  const settings = klSettings(room, (direction) => stepSeed(seed, folder, direction));
  const inputs = {
    tables: [from],
    models: [dir, base],
    values: { ...settings.tunedFromBase, other: settings.baseFromTuned.seed },
  };
  const rows = await tableStep(run, `${folder}/kl`, klTable, inputs, async (progress) => {
    const [tuned, prior] = [await run.models.get(dir), await run.models.get(base)];
    const promptsOf = (q: TextModel) => contextPrompts(q, run.task, contexts, room);
    const prompts = { tunedFromBase: promptsOf(tuned), baseFromTuned: promptsOf(prior) };
    return sampleBothWays(
      { tuned, base: prior, prompts, n: 1, settings, ends: prior.tokenizer.ends },
      progress,
    );
  });
  return { rows, settings };
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
