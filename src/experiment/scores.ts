/** What the scorer says of texts about held-out contexts. */
import { flatly } from '../measure/scored.js';
import { pointsIn, textsOf } from '../pipeline/held-out.js';
import { rowOf } from '../pipeline/tables.js';
import type { Context } from '../tasks/task.js';
import type { StudyContext } from './study-context.js';

type Texts = readonly (readonly string[])[];

/** Scores of texts, [context][text]. */
export const scoresOf = ({ scorer }: StudyContext, contexts: readonly Context[], texts: Texts) =>
  flatly(contexts, texts, (context, text) => ({ context, text }), scorer.score);

/** 1 where a text incorporates the feedback on x0, else 0, [context][text]; null where nobody can tell. */
export async function incorporatedIn(
  { oracle, heldOut }: StudyContext,
  contexts: readonly Context[],
  texts: Texts,
): Promise<number[][] | null> {
  if (!oracle) return null;
  const says = rowOf(heldOut.feedback, 'the table of feedback');
  const shares = await flatly(
    contexts,
    texts,
    (context, text) => ({ context, text, points: pointsIn(says(context)) }),
    oracle.feedback.incorporated,
  );
  return shares.map((of) => of.map((share) => (share === 1 ? 1 : 0)));
}

/** The one text of each held-out context, [context][text]. */
export const singleTexts = ({ heldOut }: StudyContext, rows: readonly { context: string; text: string }[]) =>
  textsOf(
    heldOut.contexts,
    rows.map((row) => ({ ...row, candidate: 0 })),
  );
