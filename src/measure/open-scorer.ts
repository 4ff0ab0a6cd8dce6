/** What an output is worth, where something can tell. Only this folder reaches a task's scorer (tests/architecture.test.ts). */
import { fromRegistry } from '../store/plug-in.js';
import type { TaskChoice } from '../tasks/open.js';
import { registry } from '../tasks/registry.js';
import type { Context, FeedbackScorer, Scorer } from '../tasks/task.js';

/** A scorer that also knows whether feedback was incorporated. */
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

/** The task's scorer, and the contexts that it can score: all, or those that have a reference. Null where there are none. */
export async function openScorerOfSome(
  choice: Pick<TaskChoice, 'task'>,
  contexts: readonly Context[],
): Promise<{ scorer: Scorer; contexts: readonly Context[] } | null> {
  const ofAll = await openScorer(choice, contexts);
  if (ofAll) return { scorer: ofAll, contexts };
  const referenced = contexts.filter(({ gold }) => gold !== undefined);
  if (referenced.length === 0 || referenced.length === contexts.length) return null;
  const ofSome = await openScorer(choice, referenced);
  return ofSome && { scorer: ofSome, contexts: referenced };
}

export const isOracle = (scorer: Scorer | null): scorer is Oracle => scorer?.feedback !== undefined;
