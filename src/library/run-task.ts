/** A run of a task that is open. Its own file: what the library's types are declared in must not lead to tfjs' types. */
import { loop } from '../ilf/loop.js';
import { openRunContext } from '../ilf/open.js';
import { type Outcome, writeOutcome } from '../ilf/outcome.js';
import type { Reporter } from '../pipeline/run-context.js';
import { renderHtml } from '../report/run/html.js';
import { packageVersion } from '../store/package.js';
import type { Task } from '../tasks/task.js';
import type { StartedEngine } from './engine.js';
import { type LoopSettings, loopOptions } from './settings.js';

/** @param task what `checkSettings` gave: its data are read once, since they may come through a pipe @throws as `runLoop` */
export async function runTask(
  task: Task,
  settings: LoopSettings,
  engine: StartedEngine,
  reporter: Reporter,
): Promise<{ dir: string; outcome: Outcome }> {
  const place = { dir: settings.run, fresh: settings.fresh ?? false, version: packageVersion() };
  const run = await openRunContext(task, loopOptions(settings, engine), place, reporter);
  try {
    const outcome = await loop(run);
    await writeOutcome(outcome, renderHtml, run.folder.path);
    return { dir: run.folder.dir, outcome };
  } finally {
    await run.close();
  }
}
