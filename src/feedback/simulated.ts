import { UserError } from '../store/errors.js';
import type { SourceDescriptor } from './source.js';

/** The task's simulated annotator, a program; the seed chooses among its possible words. */
export const simulated: SourceDescriptor = {
  name: 'simulated',
  help: "the task's simulated annotator, a program that knows its contexts",
  serves: (task, contexts) =>
    task.annotate !== undefined && contexts.every((context) => task.annotates?.(context) ?? true),
  inputs: (_, { seed }) => ({ critic: false, values: { seed } }),
  open: ({ task, seed }) => {
    const { annotate } = task;
    if (!annotate) throw new UserError(`${task.name} has no simulated annotator; choose another --feedback`);
    return {
      name: 'simulated annotator',
      annotate: async (items) => items.map(({ context, output }) => annotate(context, output, String(seed))),
    };
  },
};
