/**
 * Files and folders that are either whole or absent, whatever kills the process.
 *
 * The content goes to a temporary name in the same folder (so that the rename cannot cross file systems), is
 * flushed to the disk, and is then renamed. On any error the temporary is removed; system errors become UserErrors
 * that name the file asked for. A process that is killed may leave a temporary behind: `removeLeftovers` finds those.
 */
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { asUserError, systemErrorCode } from './errors.js';

/** ".NAME.PID-COUNT.tmp" and, for a folder about to be replaced, ".NAME.PID-COUNT.old". */
const LEFTOVER = /^\..+\.(\d+)-\d+\.(?:tmp|old)$/;

let count = 0;

/** A name that nothing else uses, in the folder of `path`; `removeLeftovers` knows it. */
export function temporaryName(path: string, ending: 'tmp' | 'old' = 'tmp'): string {
  count += 1;
  return join(dirname(path), `.${basename(path)}.${process.pid}-${count}.${ending}`);
}

/** Where a write to `path` lands: through a symbolic link, so that the link survives the rename. */
async function destination(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return resolve(path);
    throw error;
  }
}

/** Makes a rename durable. Not every platform can open a folder; the rename is atomic there nevertheless. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

/**
 * Writes a file of any size: `write` gets the temporary file's handle and writes in order. The folder is made where
 * it is missing. @throws UserError naming `path` for system errors; whatever else `write` throws passes through.
 */
export async function writeStreamAtomic(
  path: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = await destination(path);
    await mkdir(dirname(target), { recursive: true });
    const name = temporaryName(target);
    const file = await open(name, 'wx');
    temporary = name;
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(name, target);
    temporary = undefined;
    await syncFolder(dirname(target));
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true });
    throw asUserError(error, 'write', path);
  }
}

/** Writes `data` (text as UTF-8) to `path`, whole or not at all. */
export function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  return writeStreamAtomic(path, (file) => file.writeFile(data));
}

/** Appends all of `bytes` to an open file; a FileHandle's own write may write less than it was given. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  // One system call moves at most 2 GiB.
  const most = 1 << 30;
  for (let offset = 0; offset < bytes.byteLength; ) {
    const length = Math.min(most, bytes.byteLength - offset);
    offset += (await file.write(bytes, offset, length)).bytesWritten;
  }
}

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
 * Builds a folder under a temporary name with `build(temporaryDir)`, then puts it in the place of `dir`, whose old
 * content is removed afterwards. Folders cannot be exchanged in one step: a process killed between the two renames
 * leaves no `dir`, never half of one. Errors as `writeStreamAtomic`.
 */
export async function writeFolderAtomic(
  dir: string,
  build: (temporaryDir: string) => Promise<void>,
): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = await destination(dir);
    await mkdir(dirname(target), { recursive: true });
    const name = temporaryName(target);
    await mkdir(name);
    temporary = name;
    await build(name);
    await syncTree(name);
    const old = temporaryName(target, 'old');
    const replaced = await renameIfThere(target, old);
    try {
      await rename(name, target);
    } catch (error) {
      if (replaced) await rename(old, target);
      throw error;
    }
    temporary = undefined;
    await syncFolder(dirname(target));
    if (replaced) await rm(old, { recursive: true, force: true });
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    throw asUserError(error, 'write', dir);
  }
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

/** True where a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

/** Removes from `dir` (not from folders below it) what killed processes left behind. */
export async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const pid = Number(LEFTOVER.exec(name)?.[1]);
    if (pid > 0 && pid !== process.pid && !isAlive(pid))
      await rm(join(dir, name), { recursive: true, force: true });
  }
}
