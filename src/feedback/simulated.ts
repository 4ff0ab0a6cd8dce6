import type { Task } from '../tasks/task.js';
import type { FeedbackSource } from './source.js';

/** The task's simulated annotator; `key` (a seed, say) chooses among its possible words. */
export function simulatedAnnotator(annotate: NonNullable<Task['annotate']>, key: string): FeedbackSource {
  return {
    name: 'simulated annotator',
    annotate: async (items) => items.map(({ context, output }) => annotate(context, output, key)),
  };
}
