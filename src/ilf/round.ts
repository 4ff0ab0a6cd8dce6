import type { Quality } from '../measure/quality.js';
import type { HeldOut } from '../pipeline/held-out.js';
import type { Policy } from '../pipeline/policy.js';
import type { RunContext } from '../pipeline/run-context.js';
import type { RefinementRow, ScoreRow } from '../pipeline/tables.js';
import { contextsStep } from './contexts.js';
import { feedbackStep } from './feedback.js';
import { finetuneStep } from './finetune.js';
import { generateStep } from './generate.js';
import { type Measured, measureStep } from './measure.js';
import { rankStep } from './rank.js';
import { refineStep } from './refine.js';
import { type TargetTable, targetKind } from './target-kinds.js';
import { type TargetSet, targetsStep } from './targets.js';

/** What a round learned, before it is measured. */
export interface Learned {
  /** The next round's π_θ. */
  tuned: Policy;
  targets: TargetSet;
  refinements: RefinementRow[];
  ranks: ScoreRow[];
}
export type Round = Learned & Measured;

/** What a round is about. */
export interface RoundOf {
  /** Its tables'. */
  folder: string;
  /** Its contexts: n, from number `from` on. */
  from: number;
  n: number;
  /** π_θ: π_0 in the first round, what the last one tuned after that. */
  theta: Policy;
  /** What the earlier rounds learned from, where π_0 is trained on it again; null: π_θ goes on. */
  before: readonly TargetSet[] | null;
}

/**
 * One round of imitation learning from language feedback: Algorithm 1 of Scheurer et al. 2023. Targets that need less than
 * ILF's make less: tables that they are not made from are left out.
 */
export async function learn(run: RunContext, { folder, from, n, theta, before }: RoundOf): Promise<Learned> {
  const { base, targets: kind } = run.options;
  const { tables, condition, writes } = targetKind(kind);
  const needs = (table: TargetTable) => tables.includes(table);

  const contexts = await contextsStep(run, folder, 'ilf', from, n);
  // x0 ~ π_θ(·|c)
  const initial = needs('initial') ? await generateStep(run, folder, 'initial', theta, contexts) : [];
  // f on (c, x0)
  const feedback = needs('feedback') ? await feedbackStep(run, folder, contexts, initial) : [];
  // x1¹..x1ᴺ ~ π_ψ(·|c, x0, f)
  const refinements = needs('refinements')
    ? await refineStep(run, folder, contexts, initial, feedback, condition)
    : [];
  // R(x1)
  const judged = { contexts, initial, feedback, texts: refinements };
  const scores = needs('scores') ? await rankStep(run, folder, judged) : [];
  // x1 = argmax R
  const data = { contexts, initial, feedback, refinements, scores };
  const targets = await targetsStep(run, { name: `${folder}/targets`, kind, from: folder, data });
  // π_θ ← π_θ tuned on (c → x1), or π_0 on those of all rounds
  const dir =
    before === null
      ? await finetuneStep(run, folder, theta.dir, [targets])
      : await finetuneStep(run, folder, base, [...before, targets]);
  return { tuned: { dir, writes }, targets, refinements, ranks: scores };
}

/** A round of a run, and what it came to on the held-out contexts. */
export async function round(
  run: RunContext,
  of: RoundOf,
  heldOut: HeldOut,
  quality: Quality | null,
): Promise<Round> {
  const learned = await learn(run, of);
  const measured = await measureStep(run, of.folder, learned.tuned, heldOut, quality);
  return { ...learned, ...measured };
}
