/** Opens all that a loop needs, and finds what is wrong with it before anything is written. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ModelCache } from '../pipeline/model-cache.js';
import { contextsPerRound, type LoopOptions, rankerModelsOf } from '../pipeline/options.js';
import type { Reporter, RunContext } from '../pipeline/run-context.js';
import type { RankerName } from '../rankers/names.js';
import { type OpenRanker, openRanker } from '../rankers/open.js';
import { removeLeftovers } from '../store/atomic.js';
import { asUserError, UserError } from '../store/errors.js';
import { canonicalJson, hashText, type Json } from '../store/hash.js';
import { openRun } from '../store/run.js';
import type { Task } from '../tasks/task.js';
import { checkFit } from './fit.js';
import { goldOf } from './targets.js';

export interface RunPlace {
  /** Undefined: checkpoints/NAME, where equal options give equal names. */
  dir: string | undefined;
  /** Removes what is there. */
  fresh: boolean;
  version: string;
}

/** @throws UserError for models or data that cannot be used, and a folder that is no run's or another process's */
export async function openRunContext(
  task: Task,
  options: LoopOptions,
  place: RunPlace,
  show: Reporter,
): Promise<RunContext> {
  const n = contextsPerRound(task, options);
  if (options.targets === 'gold') task.contexts('ilf', 0, n * options.rounds).forEach(goldOf);
  if (options.targets === 'shuffled-feedback' && n < 2)
    throw new UserError('shuffled feedback needs 2 contexts a round or more');
  const dir = place.dir ?? resolve('checkpoints', nameOf(task, options));
  await checkPlace(dir);
  const models = new ModelCache();
  const opened = new Map<RankerName, Promise<OpenRanker>>();
  const ranker = (name: RankerName) => {
    const open = opened.get(name) ?? openRanker(name, rankerModelsOf(options));
    opened.set(name, open);
    return open;
  };
  // A run that goes on opens them when a step needs them; a new one must not begin with models that cannot be used.
  if (place.fresh || !existsSync(join(dir, 'manifest.json'))) {
    const [base, instruct] = [await models.get(options.base), await models.get(options.instruct)];
    if (options.data !== null) {
      checkFit(task, base, instruct, options);
      // The judge of data without an oracle.
      await ranker('instruct-rm');
    }
    await ranker(options.ranker);
  }
  const folder = await openRun(dir, {
    version: place.version,
    options: options as unknown as Record<string, Json>,
    seeds: { seed: options.seed },
  });
  for (const entry of await readdir(dir, { withFileTypes: true }))
    if (entry.isDirectory()) {
      // Only now that the run is locked: another process may have been using it.
      if (place.fresh) await rm(join(dir, entry.name), { recursive: true, force: true });
      else await removeLeftovers(join(dir, entry.name));
    }
  const close = async () => {
    await models.close();
    for (const open of opened.values()) await (await open).close();
    folder.close();
  };
  return { options, task, folder, models, ranker, show, close };
}

/** The task, and 8 hexadecimal digits of the options: readable, and the same command finds its run again. */
function nameOf(task: Task, options: LoopOptions): string {
  const safe = task.name.replace(/[^\w.-]+/g, '-').slice(0, 40) || 'data';
  return `${safe}-${hashText(canonicalJson(options as unknown as Json)).slice(0, 8)}`;
}

/** Nobody's other files are mixed with a run's, or removed. */
async function checkPlace(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    throw asUserError(error, 'use', dir);
  }
  if (names.some((name) => !name.startsWith('.') && name !== 'lock') && !names.includes('manifest.json'))
    throw new UserError(`${dir} holds other files than a run's; choose a new folder for --run`);
}
