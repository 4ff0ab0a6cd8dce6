import { UserError } from '../../store/errors.js';
import type { TaskDescriptor } from '../task.js';

/** The embedded world: posts, one-line summaries of them, and a simulated annotator. */
export const briefs: TaskDescriptor = {
  name: 'briefs',
  help: 'one-line summaries of the posts of the embedded world',
  open: async ({ data }) => {
    if (data !== null)
      throw new UserError('the task briefs makes its own contexts; leave out --data, or say --task file');
    return (await import('./task.js')).briefs;
  },
  openScorer: async (contexts) =>
    contexts.every(({ facts }) => facts !== undefined) ? (await import('./scorer.js')).scorer : null,
};
