/** A run's folder, opened so that nobody's other files are mixed with a run's, or removed. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeLeftovers } from '../store/atomic.js';
import { asUserError, UserError } from '../store/errors.js';
import type { Json } from '../store/hash.js';
import { openRun, type Run } from '../store/run.js';
import type { LoopOptions } from './options.js';

export interface RunPlace {
  dir: string;
  /** Removes what is there. */
  fresh: boolean;
  /** Of this program. */
  version: string;
}

/**
 * @param check what else must hold before anything is written
 * @throws UserError for a folder that is no run's, or another process's
 */
export async function openFolder(
  { dir, fresh, version }: RunPlace,
  options: LoopOptions,
  check: () => Promise<void>,
): Promise<Run> {
  await checkPlace(dir);
  await check();
  const folder = await openRun(dir, {
    version,
    options: options as unknown as Record<string, Json>,
    seeds: { seed: options.seed },
  });
  for (const entry of await readdir(dir, { withFileTypes: true }))
    if (entry.isDirectory()) {
      // Only now that the run is locked: another process may have been using it.
      if (fresh) await rm(join(dir, entry.name), { recursive: true, force: true });
      else await removeLeftovers(join(dir, entry.name));
    }
  return folder;
}

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
