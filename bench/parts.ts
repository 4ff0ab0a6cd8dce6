/**
 * A bench is a list of parts, each measured and handed out by itself: what ended is kept, whatever ends the bench. They run in
 * the order of their worth, each within what is left of the time. Leaves out what is measured, and where it is written.
 */

import { UserError } from '../src/store/errors.js';
import { type Budget, TimeUp } from './budget.js';
import { ChildError } from './child.js';
import type { Keep } from './journal.js';
import type { ModelName } from './models.js';
import type { Outcome } from './outcome.js';

/**
 * Most worth first. Parity, as wrong numbers are worth nothing; products take seconds, and the others are held against them;
 * training, what users wait for longest; then decoding, the rest of the loop; KL, which only a report needs. gemm explains all
 * of these and replaces none.
 */
const BENCHES = ['parity', 'products', 'train', 'generate', 'kl', 'scaling', 'gemm'] as const;

export interface Part {
  name: string;
  bench: (typeof BENCHES)[number];
  /** null: of all models. */
  model: ModelName | null;
  /** Measures peers, too. */
  beside: boolean;
  /**
   * Seconds that it takes at least, guessed low: with less it is not started. A part that is ended has cost its time, one that
   * is left out for nothing is lost.
   */
  least: number;
  /** Adds to the outcome as it goes, and tells `keep` of each process's report. @throws TimeUp, UserError or ChildError; what it has added until then is kept */
  run(outcome: Outcome, keep: Keep): Promise<void>;
}

/**
 * Peers come last: their trials and compilers take longer than all of ours, and without ours they are worth nothing. Before
 * that the first of the models in all benches, then the next. Equals stay in their order.
 */
export function inOrderOfWorth(parts: readonly Part[], models: readonly ModelName[]): Part[] {
  const place = ({ beside, model, bench }: Part) =>
    [Number(beside), model === null ? -1 : models.indexOf(model), BENCHES.indexOf(bench)] as const;
  return parts.toSorted((a, b) => {
    const [left, right] = [place(a), place(b)];
    return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
  });
}

const whole = (seconds: number) => `${Math.max(0, Math.floor(seconds))} s`;

/** What became of one part. */
async function outcomeOf(part: Part, { left }: Budget, keep: Keep, of: string): Promise<Outcome> {
  const { name, bench, least } = part;
  const outcome: Outcome = {
    part: name,
    bench,
    state: 'done',
    seconds: 0,
    tables: [],
    notes: [],
    results: [],
  };
  const [before, started] = [left(), performance.now()];
  if (before < least) {
    outcome.state = 'skipped';
    outcome.notes.push(`${name}: SKIPPED, ${whole(before)} left, it takes at least ${least} s`);
    return outcome;
  }
  console.error(`part ${of}: ${name}${before === Infinity ? '' : `; ${whole(before)} left`}`);
  try {
    await part.run(outcome, keep);
  } catch (error) {
    if (error instanceof TimeUp) {
      if (outcome.state !== 'failed') outcome.state = 'cut';
      outcome.notes.push(`${name}: CUT, the time was up`);
    } else if (error instanceof UserError || error instanceof ChildError) {
      outcome.state = 'failed';
      outcome.notes.push(`${name}: FAILED, ${error.message}`);
    } else throw error;
  }
  outcome.seconds = Math.round((performance.now() - started) / 100) / 10;
  return outcome;
}

/** Runs parts one after another; `ended` is told of each when it ends. One that fails does not stop the others. */
export async function runParts(
  parts: readonly Part[],
  budget: Budget,
  keep: Keep,
  ended: (outcome: Outcome) => Promise<void>,
): Promise<void> {
  for (const [i, part] of parts.entries())
    await ended(await outcomeOf(part, budget, keep, `${i + 1} of ${parts.length}`));
}
