import { fromRegistry } from '../store/plug-in.js';
import type { Prompts } from './prompts.js';
import { registry } from './registry.js';
import type { Task } from './task.js';

/** Names and help of the tasks there are. */
export const tasks: readonly { name: string; help: string }[] = registry;

/** How a task is named: one of the registry, or a module of a person's own (a path), and a file of a person's own contexts. */
export interface TaskChoice {
  task: string;
  data: string | null;
}

/** What a run is about that was told of no task: a person's own contexts where a file of them was given, else the embedded world. */
export const defaultTask = (data: string | null): string => (data === null ? 'briefs' : 'file');

/** @throws UserError for a task that is not there, and data that cannot be used */
export const openTask = async ({ task, data }: TaskChoice): Promise<Task> =>
  (await fromRegistry('task', registry, task)).open({ data });

/** What a task asks, and its name: all of it that needs no contexts. @throws UserError for a task that is not there */
export async function promptsOf(name: string): Promise<{ name: string; prompts: Prompts }> {
  const task = await fromRegistry('task', registry, name);
  if (task.prompts) return { name: task.name, prompts: await task.prompts() };
  return task.open({ data: null });
}
