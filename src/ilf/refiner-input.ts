/** What the refiner is told. */
import { rowOf } from '../pipeline/tables.js';
import { UserError } from '../store/errors.js';
import type { Context } from '../tasks/task.js';

/** A context's own feedback; nothing, or another context's, the controls. */
export type FeedbackCondition = 'own' | 'none' | 'other';

/** What is to be refined. Without feedback the refiner is told nothing: the control. */
export interface ToRefine {
  context: Context;
  initial: string;
  feedback: string | null;
}

type Texts = readonly { context: string; text: string }[];

/**
 * What the refiner is given, in the contexts' order; `feedback` may be empty where it is told none. Another context's feedback is
 * that of the next one. @throws UserError where there is no other context, or a context has no row
 */
export function toRefine(
  contexts: readonly Context[],
  initial: Texts,
  feedback: Texts,
  condition: FeedbackCondition = 'own',
): ToRefine[] {
  if (condition === 'other' && contexts.length < 2)
    throw new UserError('shuffled feedback needs 2 contexts or more');
  const [tells, says] = [
    rowOf(initial, 'the table of initial outputs'),
    rowOf(feedback, 'the table of feedback'),
  ];
  const shown = (i: number) => {
    if (condition === 'none') return null;
    return says(contexts[condition === 'own' ? i : (i + 1) % contexts.length]!).text;
  };
  return contexts.map((context, i) => ({ context, initial: tells(context).text, feedback: shown(i) }));
}
