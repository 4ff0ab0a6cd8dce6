/** Every source of feedback there is, by name. */
import { UserError } from '../store/errors.js';
import { fromRegistry } from '../store/plug-in.js';
import type { Context, Task } from '../tasks/task.js';
import { critic } from './critic.js';
import { dataset } from './dataset.js';
import { simulated } from './simulated.js';
import type { SourceDescriptor } from './source.js';

/** In the order in which they are tried where none was asked for. */
export const sources: readonly SourceDescriptor[] = [simulated, dataset, critic];

/**
 * The source of this name (or a module's path); null: the first that serves.
 * @throws UserError where there is none, or it does not serve these contexts
 */
export async function findSource(
  name: string | null,
  task: Task,
  contexts: readonly Context[],
): Promise<SourceDescriptor> {
  if (name === null) return sources.find((source) => source.serves(task, contexts))!;
  const source = await fromRegistry('source of feedback', sources, name);
  if (!source.serves(task, contexts))
    throw new UserError(
      `--feedback ${name} cannot say something about each of these contexts (${task.about}); choose another source`,
    );
  return source;
}
