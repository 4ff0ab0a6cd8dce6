import type { Policy } from '../pipeline/policy.js';
import type { RunContext } from '../pipeline/run-context.js';
import type { RefinementRow, ScoreRow } from '../pipeline/tables.js';
import type { HeldOut } from './heldout.js';
import { type Measured, measureStep } from './measure.js';
import {
  contextsStep,
  feedbackStep,
  generateStep,
  rankStep,
  refineStep,
  type TargetSet,
  targetsStep,
  tuneStep,
} from './steps.js';
import { conditionFor, formatOf, type TargetTable, tablesFor } from './targets.js';

/** What a round taught, before it is measured. */
export interface Lesson {
  /** The next round's π_θ. */
  tuned: Policy;
  /** What this round had to teach. */
  learned: TargetSet;
  refinements: RefinementRow[];
  ranks: ScoreRow[];
}
export type Round = Lesson & Measured;

/**
 * One round of imitation learning from language feedback: Algorithm 1 of Scheurer et al. 2023. Targets that need less than
 * ILF's make less: tables that they are not made from are left out.
 * @param folder of the round's tables @param from number of its first context @param n contexts
 * @param theta π_θ: π_0 in the first round, what the last one tuned after that
 * @param before what the earlier rounds had to teach, where π_0 is trained on it again; null: π_θ goes on
 */
export async function learn(
  run: RunContext,
  folder: string,
  from: number,
  n: number,
  theta: Policy,
  before: readonly TargetSet[] | null,
): Promise<Lesson> {
  const { base, targets } = run.options;
  const needs = (table: TargetTable) => tablesFor[targets].includes(table);

  const contexts = await contextsStep(run, folder, 'ilf', from, n);
  // x0 ~ π_θ(·|c)
  const initial = needs('initial') ? await generateStep(run, folder, 'initial', theta, contexts) : [];
  // f on (c, x0)
  const feedback = needs('feedback') ? await feedbackStep(run, folder, contexts, initial) : [];
  // x1¹..x1ᴺ ~ π_ψ(·|c, x0, f)
  const refinements = needs('refinements')
    ? await refineStep(run, folder, contexts, initial, feedback, conditionFor(targets))
    : [];
  // R(x1)
  const scores = needs('scores') ? await rankStep(run, folder, contexts, initial, feedback, refinements) : [];
  // x1 = argmax R
  const data = { contexts, initial, feedback, refinements, scores };
  const learned = await targetsStep(run, `${folder}/targets`, targets, folder, data);
  // π_θ ← π_θ tuned on (c → x1), or π_0 on those of all rounds
  const dir =
    before === null
      ? await tuneStep(run, folder, theta.dir, [learned])
      : await tuneStep(run, folder, base, [...before, learned]);
  return { tuned: { dir, writes: formatOf(targets) }, learned, refinements, ranks: scores };
}

/** Round k of a run, which counts from 1 and has contexts of its own, and what it came to. */
export async function round(
  run: RunContext,
  k: number,
  n: number,
  theta: Policy,
  before: readonly TargetSet[],
  heldOut: HeldOut,
): Promise<Round> {
  const folder = `round-${k}`;
  const again = run.options.roundMode === 'retrain' ? before : null;
  const lesson = await learn(run, folder, (k - 1) * n, n, theta, again);
  const measured = await measureStep(run, folder, lesson.tuned, heldOut);
  return { ...lesson, ...measured };
}
