import { bestOfNKl, bestOfNKlBound, type Estimate, expectedBestOfN, meanEstimate } from '../bayes/index.js';
import { type Progress, texts } from '../pipeline/progress.js';
import { type BestOfNRow, byContext } from '../pipeline/tables.js';
import { summaryPrompt } from '../tasks/prompts.js';
import { type Context, contextName } from '../tasks/task.js';
import type { TextModel } from '../writers/text-model.js';
import { type Sampling, sampleTexts, scoreTexts } from '../writers/texts.js';
import { forDistinct } from './distinct.js';
import type { Reward } from './reward.js';

/**
 * n texts from π(·|c) for each context, with their rewards and log-probabilities: all that best-of-1 to best-of-n are
 * computed from (src/bayes/best-of-n.ts). A text that was drawn several times keeps all its rows; it is scored once.
 */
export async function sampleScored(
  model: TextModel,
  base: TextModel,
  reward: Reward,
  contexts: readonly Context[],
  n: number,
  sampling: Sampling,
  seed: number,
  progress: Progress,
): Promise<BestOfNRow[]> {
  const prompts = contexts.map(({ text }) => summaryPrompt(text));
  const names = contexts.map(contextName);
  const drawn = await sampleTexts(model, prompts, names, n, sampling, seed, texts(progress, 'sampling'));
  const items = contexts.flatMap(({ id, text: post }, i) =>
    drawn[i]!.map((text, candidate) => ({ id, candidate, post, text, prompt: prompts[i]!, name: names[i]! })),
  );
  const scores = await forDistinct(
    items,
    ({ id, text }) => JSON.stringify([id, text]),
    async (distinct) => {
      const of = distinct.map(({ name }) => name);
      const rewards = await reward.score(distinct, texts(progress, 'rewards'));
      const scoring = texts(progress, 'log-probabilities');
      const logModel = await scoreTexts(model, distinct, of, scoring);
      const logBase = base === model ? logModel : await scoreTexts(base, distinct, of, scoring);
      return rewards.map((value, i) => ({
        reward: value,
        logprob_model: logModel[i]!,
        logprob_base: logBase[i]!,
      }));
    },
  );
  return items.map(({ id, candidate, text }, i) => ({ context: id, candidate, text, ...scores[i]! }));
}

export interface BestOfN {
  n: number;
  /** E[r of the pick], mean over contexts. */
  reward: Estimate;
  /** KL(best-of-n ‖ the model sampled from), in nats, mean over contexts; and what it cannot exceed. */
  kl: Estimate;
  klBound: number;
}

/** 1, 2, 4, … and `most`. */
export function sizesUpTo(most: number): number[] {
  const sizes = [];
  for (let n = 1; n < most; n *= 2) sizes.push(n);
  return [...sizes, most];
}

/** Best of 1, 2, 4, … and of all the samples that each context has; all of them must have as many. */
export function summariseBestOfN(rows: readonly BestOfNRow[]): BestOfN[] {
  const rewards = [...byContext(rows).values()].map((of) => of.map(({ reward }) => reward));
  const most = rewards[0]!.length;
  return sizesUpTo(most).map((n) => ({
    n,
    reward: meanEstimate(rewards.map((of) => expectedBestOfN(of, of, n))),
    kl: meanEstimate(rewards.map((of) => bestOfNKl(of, n))),
    klBound: bestOfNKlBound(n),
  }));
}
