import type { Annotation, Context } from '../tasks/task.js';
import {
  candidatesByContext,
  type FeedbackRow,
  type InitialRow,
  type ScoreRow,
  type TextRow,
} from './tables.js';

/** What is written about held-out contexts. Refinements have as many rows for each context, N. */
export interface HeldOut {
  contexts: Context[];
  /** π_0's outputs. */
  base: InitialRow[];
  /** x0: the outputs that came with the contexts, else π_0's. */
  initial: InitialRow[];
  feedback: FeedbackRow[];
  refinements: TextRow[];
  noFeedback: TextRow[];
  /** With another context's feedback; none where there is no other context. */
  shuffledFeedback: TextRow[];
  /** The run's ranker on `refinements`. */
  scores: ScoreRow[];
}

/** The rows' texts, [context][candidate]; an empty list for a context that has none. */
export function textsOf(
  contexts: readonly Context[],
  rows: readonly { context: string; candidate: number; text: string }[],
): string[][] {
  const groups = candidatesByContext(rows);
  return contexts.map(({ id }) => (groups.get(id) ?? []).map(({ text }) => text));
}

/** The ranker's scores, [context][candidate], and which candidate it selected. */
export function ranksOf(contexts: readonly Context[], scores: readonly ScoreRow[]) {
  const groups = candidatesByContext(scores);
  return contexts.map(({ id }) => {
    const rows = groups.get(id)!;
    return { ranks: rows.map(({ mean }) => mean), selected: rows.findIndex(({ selected }) => selected) };
  });
}

/** What feedback asked for, where its writer could tell. */
export const pointsIn = ({ points }: Pick<FeedbackRow, 'points'>): unknown => JSON.parse(points || 'null');

/** Feedback as the task's own writers take it. */
export const annotationOf = (row: FeedbackRow): Annotation => ({ text: row.text, points: pointsIn(row) });

/** Whether all feedback has points that a task's scorer can look for; a critic's words, or a person's, have none. */
export const hasPoints = ({ feedback }: Pick<HeldOut, 'feedback'>): boolean =>
  feedback.every((row) => pointsIn(row) !== null);
