/** Every task there is. Only src/tasks/open.ts and src/measure read this: a task's scorer can be reached from here. */
import { briefs } from './briefs/index.js';
import { file } from './file/index.js';
import type { TaskDescriptor } from './task.js';

export const registry: readonly TaskDescriptor[] = [briefs, file];
