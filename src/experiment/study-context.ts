/** What all studies of one seed share: the run folder, the held-out contexts, and the data that arms learn from. */
import type { Oracle } from '../measure/open-scorer.js';
import type { HeldOut } from '../pipeline/held-out.js';
import type { RunContext } from '../pipeline/run-context.js';
import type { FeedbackRow, InitialRow, RefinementRow, ScoreRow } from '../pipeline/tables.js';
import type { Context, Scorer } from '../tasks/task.js';
import type { Scale } from './scale.js';

/** Contexts to learn from with all that was written about them; arms take the first n of them. */
export interface Data {
  contexts: Context[];
  initial: InitialRow[];
  feedback: FeedbackRow[];
  refinements: RefinementRow[];
  noFeedback: RefinementRow[];
  shuffledFeedback: RefinementRow[];
  scores: ScoreRow[];
}

export interface StudyContext {
  run: RunContext;
  scale: Scale;
  scorer: Scorer;
  /** Null for a person's own contexts: nobody knows there what a text says. */
  oracle: Oracle | null;
  heldOut: HeldOut;
  data: Data;
}
