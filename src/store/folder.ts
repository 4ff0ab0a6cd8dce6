/** Folders that are either whole or absent, whatever kills the process, and that are put in the place of our own only. */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from './atomic.js';
import { destinationOf, makeFolder } from './destination.js';
import { asUserError, systemErrorCode, UserError } from './errors.js';
import { discard, recover, temporaryName } from './leftovers.js';
import { markFolder, requireOurs } from './mark.js';

/** Flushes every file below `dir`. */
async function syncTree(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) {
      const file = await open(path, 'r');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
  }
  await syncFolder(dir);
}

/**
 * Builds a folder under a temporary name with `build(temporaryDir)`, marks it as this program's, and puts it in the place of `dir`,
 * whose old content is removed. Folders cannot be exchanged in one step: a process killed between the two renames leaves no `dir`, and
 * the next write into the folder around it, or `recover`, puts the new one there. @throws UserError where `dir` holds what is not this
 * program's; else as `writeStreamAtomic`
 */
export async function writeFolderAtomic(
  dir: string,
  build: (temporaryDir: string) => Promise<void>,
): Promise<void> {
  let temporary: string | undefined;
  try {
    const { path: target } = await destinationOf(dir);
    await makeFolder(dirname(target));
    await recover(dirname(target));
    await requireOurs(target);
    const name = temporaryName(target);
    await mkdir(name);
    temporary = name;
    await build(name);
    await markFolder(name);
    await syncTree(name);
    const whole = temporaryName(target, 'new');
    await rename(name, whole);
    temporary = whole;
    await exchange(whole, target);
  } catch (error) {
    if (temporary === undefined) throw asUserError(error, 'write', dir);
    await rm(temporary, { recursive: true, force: true });
    throw named(asUserError(error, 'write', dir), temporary, dir);
  }
}

/** Puts the folder `whole` in the place of `target`. */
async function exchange(whole: string, target: string): Promise<void> {
  const old = temporaryName(target, 'old');
  const replaced = await renameIfThere(target, old);
  try {
    await rename(whole, target);
  } catch (error) {
    if (replaced) await rename(old, target);
    throw error;
  }
  await syncFolder(dirname(target));
  if (replaced) await discard(old);
}

/** An error of a file in the folder, by the name that the file was to have. */
function named(error: unknown, temporary: string, dir: string): unknown {
  if (!(error instanceof UserError) || !error.message.includes(temporary)) return error;
  return new UserError(error.message.replaceAll(temporary, dir), { cause: error.cause });
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Removes a folder of this program's, where it is. @throws UserError where it holds what is not */
export async function removeFolder(dir: string): Promise<void> {
  try {
    const { path, kind } = await destinationOf(dir);
    if (kind === 'nothing') return;
    await requireOurs(path);
    await discard(path);
  } catch (error) {
    throw asUserError(error, 'remove', dir);
  }
}
