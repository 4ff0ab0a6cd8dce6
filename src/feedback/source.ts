import type { Annotation, Context } from '../tasks/task.js';

/** An output x0 that feedback is wanted on. */
export interface ToCriticise {
  context: Context;
  output: string;
}

/** Where feedback f comes from. */
export interface FeedbackSource {
  /** For people: stands beside every feedback that is shown. */
  readonly name: string;
  /** One feedback for each item, in order. */
  annotate(items: readonly ToCriticise[]): Promise<Annotation[]>;
}
