import { type Progress, texts } from '../pipeline/progress.js';
import type { RefinementRow } from '../pipeline/tables.js';
import { UserError } from '../store/errors.js';
import { improvePrompt, refinePrompt, summaryPrompt } from '../tasks/prompts.js';
import { type Context, contextName } from '../tasks/task.js';
import type { TextModel } from '../writers/text-model.js';
import { type Sampling, sampleTexts, scoreTexts } from '../writers/texts.js';

/** A candidate that says what another says already, or nothing, is sampled again this often at most; then it stays. */
const RETRIES = 3;

/** What the refiner is told: a context's own feedback; nothing, or another context's, the controls. */
export type FeedbackCondition = 'own' | 'none' | 'other';

/** What is to be refined. Without feedback the refiner is told nothing: the control. */
export interface ToRefine {
  context: Context;
  initial: string;
  feedback: string | null;
}

/**
 * What the refiner is given, from rows in the contexts' order; `feedback` may be empty where it is told none. @throws UserError
 * where there is no other context
 */
export function toRefine(
  contexts: readonly Context[],
  initial: readonly { text: string }[],
  feedback: readonly { text: string }[],
  told: FeedbackCondition = 'own',
): ToRefine[] {
  if (told === 'other' && contexts.length < 2)
    throw new UserError('shuffled feedback needs 2 contexts or more');
  const shown = (i: number) => {
    if (told === 'none') return null;
    return feedback[told === 'own' ? i : (i + 1) % feedback.length]!.text;
  };
  return contexts.map((context, i) => ({ context, initial: initial[i]!.text, feedback: shown(i) }));
}

/** What the refiner reads. */
export const refinerPrompt = ({ context, initial, feedback }: ToRefine) =>
  feedback === null ? improvePrompt(context.text, initial) : refinePrompt(context.text, initial, feedback);

/** n candidates for each item, different ones where the model has different ones to give. */
export async function sampleCandidates(
  refiner: TextModel,
  items: readonly ToRefine[],
  n: number,
  sampling: Sampling,
  seed: number,
  onProgress: Progress,
): Promise<string[][]> {
  const prompts = items.map(refinerPrompt);
  const names = items.map(({ context }) => contextName(context));
  const drawn = await sampleTexts(
    refiner,
    prompts,
    names,
    n,
    sampling,
    seed,
    texts(onProgress, 'sampling refinements'),
  );
  for (let retry = 1; retry <= RETRIES; retry++) {
    const again = items.flatMap((_, i) => (duplicates(drawn[i]!).length > 0 ? [i] : []));
    if (again.length === 0) break;
    const fresh = await sampleTexts(
      refiner,
      again.map((i) => prompts[i]!),
      again.map((i) => names[i]!),
      Math.max(...again.map((i) => duplicates(drawn[i]!).length)),
      sampling,
      (seed + retry * 0x9e3779b1) >>> 1,
      texts(onProgress, 'sampling repeated ones again'),
    );
    again.forEach((i, k) => {
      const candidates = drawn[i]!;
      for (const [j, slot] of duplicates(candidates).entries()) candidates[slot] = fresh[k]![j]!;
    });
  }
  return drawn;
}

/** Which candidates repeat an earlier one or are empty. */
function duplicates(candidates: readonly string[]): number[] {
  return candidates.flatMap((text, i) => (text === '' || candidates.indexOf(text) < i ? [i] : []));
}

/** Step 3: x1¹..x1ᴺ ~ π_ψ(·|c, x0, f), with log-probabilities under π_ψ and under π_0. */
export async function refine(
  refiner: TextModel,
  base: TextModel,
  items: readonly ToRefine[],
  n: number,
  sampling: Sampling,
  seed: number,
  onProgress: Progress,
): Promise<RefinementRow[]> {
  const candidates = await sampleCandidates(refiner, items, n, sampling, seed, onProgress);
  const flat = items.flatMap((item, i) =>
    candidates[i]!.map((text, candidate) => ({ item, candidate, text })),
  );
  const names = flat.map(({ item }) => contextName(item.context));
  const underRefiner = await scoreTexts(
    refiner,
    flat.map(({ item, text }) => ({ prompt: refinerPrompt(item), text })),
    names,
    texts(onProgress, 'scoring under the refiner'),
  );
  const underBase = await scoreTexts(
    base,
    flat.map(({ item, text }) => ({ prompt: summaryPrompt(item.context.text), text })),
    names,
    texts(onProgress, 'scoring under the base model'),
  );
  return flat.map(({ item, candidate, text }, i) => ({
    context: item.context.id,
    candidate,
    text,
    logprob_refiner: underRefiner[i]!,
    logprob_base: underBase[i]!,
  }));
}
