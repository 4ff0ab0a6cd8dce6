import type { HeldOut } from './heldout.js';
import type { Lab } from './lab.js';
import { type Measured, measureStep } from './measured.js';
import { contextsStep, feedbackStep, finetuneStep, generateStep, rankStep, refineStep } from './steps.js';
import type { RefinementRow, ScoreRow } from './tables.js';

export interface Round extends Measured {
  /** The tuned model's folder: the next round's π_θ. */
  tuned: string;
  refinements: RefinementRow[];
  ranks: ScoreRow[];
}

/**
 * One round of imitation learning from language feedback: Algorithm 1 of Scheurer et al. 2023, and measuring.
 * @param k counts from 1; @param n contexts, other ones in each round
 * @param theta the folder of π_θ: π_0 in the first round, what the last one tuned after that
 */
export async function round(lab: Lab, k: number, n: number, theta: string, heldOut: HeldOut): Promise<Round> {
  const folder = `round-${k}`;
  const contexts = await contextsStep(lab, folder, 'ilf', (k - 1) * n, n);
  // x0 ~ π_θ(·|c)
  const initial = await generateStep(lab, folder, 'initial', theta, contexts);
  // f on (c, x0)
  const feedback = await feedbackStep(lab, folder, contexts, initial);
  // x1¹..x1ᴺ ~ π_ψ(·|c, x0, f)
  const refinements = await refineStep(lab, folder, contexts, initial, feedback);
  // x1 = argmax R
  const scores = await rankStep(lab, folder, contexts, initial, feedback, refinements);
  // π_θ ← π_θ tuned on (c → x1)
  const tuned = await finetuneStep(lab, folder, theta, contexts, refinements, scores);
  const measured = await measureStep(lab, folder, tuned, heldOut);
  return { ...measured, tuned, refinements, ranks: scores };
}
