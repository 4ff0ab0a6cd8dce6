import { UserError } from '../../store/errors.js';
import type { TaskDescriptor } from '../task.js';

/** A person's own contexts. */
export const file: TaskDescriptor = {
  name: 'file',
  help: 'your own contexts, a file that --data names',
  prompts: async () => (await import('../summarization.js')).prompts,
  open: async ({ data }) => {
    if (data === null) throw new UserError('the task file needs contexts: give --data FILE');
    return (await import('./task.js')).openFileTask(data);
  },
  openScorer: async (contexts) =>
    contexts.every(({ gold }) => gold !== undefined) ? (await import('./scorer.js')).scorer : null,
};
