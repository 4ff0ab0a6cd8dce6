/** What an output is worth, where something can tell. Only this folder reaches a task's scorer (tests/architecture.test.ts). */
import { fromRegistry } from '../store/plug-in.js';
import type { TaskChoice } from '../tasks/open.js';
import { registry } from '../tasks/registry.js';
import type { Context, FeedbackScorer, Scorer } from '../tasks/task.js';

/** A scorer that also knows whether feedback was incorporated: what a run is measured by, without a judge. */
export interface Oracle extends Scorer {
  readonly feedback: FeedbackScorer;
}

/** The task's scorer; null where it has none, or none for these contexts. */
export async function openScorer(
  { task }: Pick<TaskChoice, 'task'>,
  contexts: readonly Context[],
): Promise<Scorer | null> {
  const descriptor = await fromRegistry('task', registry, task);
  return (await descriptor.openScorer?.(contexts)) ?? null;
}

/** The same where it knows of feedback; null where it does not. */
export async function openOracle(
  choice: Pick<TaskChoice, 'task'>,
  contexts: readonly Context[],
): Promise<Oracle | null> {
  const scorer = await openScorer(choice, contexts);
  return isOracle(scorer) ? scorer : null;
}

export const isOracle = (scorer: Scorer | null): scorer is Oracle => scorer?.feedback !== undefined;
