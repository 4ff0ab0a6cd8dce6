import { briefs } from './briefs/task.js';
import { openFileTask } from './file/task.js';
import type { Task } from './task.js';

/** A person's own contexts (JSONL), or the embedded world. @throws UserError as `openFileTask` */
export const openTask = async (data: string | null): Promise<Task> =>
  data === null ? briefs : openFileTask(data);
