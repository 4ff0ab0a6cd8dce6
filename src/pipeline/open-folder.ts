/** A run's folder, opened so that nobody's other files are mixed with a run's, or removed. */
import { rm, rmdir } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import type { Json } from '../store/hash.js';
import { recoverBelow } from '../store/leftovers.js';
import { requireFolderOf } from '../store/place.js';
import { openRun, type Run } from '../store/run.js';
import type { LoopOptions } from './options.js';

export interface RunPlace {
  dir: string;
  /** Removes what the run has made. */
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
  await requireFolderOf(dir, isRuns, { whose: "a run's", option: '--run' });
  await check();
  const folder = await openRun(dir, {
    version,
    options: options as unknown as Record<string, Json>,
    seeds: { seed: options.seed },
  });
  // Only now that the run is locked: another process may have been using it.
  await recoverBelow(dir);
  if (fresh) await removeOutputs(folder);
  return folder;
}

/** Removes what the run's record says that it has made, and nothing else that somebody may have put into its folder. */
async function removeOutputs({ dir, manifest, path }: Run): Promise<void> {
  const below = path(`.${sep}`);
  for (const { outputs } of Object.values(manifest.steps))
    for (const output of Object.keys(outputs).map(path)) {
      // A record is a file, and may say anything.
      if (!output.startsWith(below)) continue;
      await rm(output, { recursive: true, force: true });
      // Fails where there is more in it.
      if (dirname(output) !== dir) await rmdir(dirname(output)).catch(() => {});
    }
}

/** A run's folder has its manifest; a process that was killed at its very start leaves no more than a lock. */
const isRuns = (names: readonly string[]): boolean =>
  names.includes('manifest.json') || names.every((name) => /^\.|^lock(\.takeover)?$/.test(name));
