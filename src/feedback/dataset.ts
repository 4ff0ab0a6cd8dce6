import type { Annotation } from '../tasks/task.js';
import type { FeedbackSource, ToCriticise } from './source.js';

/** Feedback that came with the contexts; for the others, another source is asked. */
export function fromDataset(others: FeedbackSource): FeedbackSource {
  return {
    name: `data set, else ${others.name}`,
    annotate: async (items) => {
      const missing = items.filter(({ context }) => context.feedback === undefined);
      const written = await others.annotate(missing);
      const byItem = new Map<ToCriticise, Annotation>(missing.map((item, i) => [item, written[i]!]));
      return items.map((item) => byItem.get(item) ?? { text: item.context.feedback! });
    },
  };
}
