/**
 * Files that are either whole or absent, whatever kills the process (folders: folder.ts).
 *
 * The content goes to a temporary name in the same folder (so that the rename cannot cross file systems), is flushed to the disk, and
 * is then renamed. On any error the temporary is removed; system errors become UserErrors that name the file asked for. A process that
 * is killed may leave a temporary behind: the next write into the folder removes it. What is no file, such as a pipe, is written to as
 * it is.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { destinationOf, makeFolder } from './destination.js';
import { asUserError, systemErrorCode } from './errors.js';
import { recover, temporaryName } from './leftovers.js';

type Write = (file: FileHandle) => Promise<void>;

/** Makes a rename durable. Not every platform can open a folder; the rename is atomic there nevertheless. */
export async function syncFolder(path: string): Promise<void> {
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
export async function writeStreamAtomic(path: string, write: Write): Promise<void> {
  try {
    const target = await destinationOf(path);
    if (target.kind === 'stream') await writeThrough(target.path, write);
    else await replaceFile(target.path, write);
  } catch (error) {
    throw asUserError(error, 'write', path);
  }
}

async function writeThrough(path: string, write: Write): Promise<void> {
  const stream = await open(path, constants.O_WRONLY);
  try {
    await write(stream);
  } finally {
    await stream.close();
  }
}

async function replaceFile(target: string, write: Write): Promise<void> {
  const dir = dirname(target);
  await makeFolder(dir);
  await recover(dir);
  const temporary = temporaryName(target);
  const file = await open(temporary, 'wx');
  try {
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dir);
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
