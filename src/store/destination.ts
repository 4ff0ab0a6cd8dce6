/** Where a write lands. */
import { mkdir, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { asUserError, systemErrorCode, UserError } from './errors.js';

export interface Destination {
  /** Through symbolic links, so that they survive a rename, also those to what is not there yet. */
  path: string;
  /** A stream is what bytes are handed to, one after another: a pipe, a terminal, /dev/null. */
  kind: 'nothing' | 'file' | 'folder' | 'stream';
}

/** @throws UserError for what nothing can be written to; system errors */
export async function destinationOf(path: string): Promise<Destination> {
  const found = await unlessMissing(stat(path));
  if (found === undefined) {
    const link = await readlink(path).catch(() => undefined);
    if (link === undefined) return { path: resolve(path), kind: 'nothing' };
    return destinationOf(resolve(await realpath(dirname(path)), link));
  }
  if (found.isFile()) return { path: await realpath(path), kind: 'file' };
  if (found.isDirectory()) return { path: await realpath(path), kind: 'folder' };
  if (found.isFIFO() || found.isCharacterDevice()) return { path, kind: 'stream' };
  throw new UserError(
    `${path} is a ${found.isSocket() ? 'socket' : 'block device'}, which nothing is written to; choose another name`,
  );
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Makes a folder and those above it, where they are missing; Node's own recursive mkdir never returns from /proc.
 * @throws UserError naming the folder that cannot be made
 */
export async function makeFolder(dir: string): Promise<void> {
  const path = resolve(dir);
  try {
    await mkdir(path);
  } catch (error) {
    if (await isFolder(path)) return;
    const parent = dirname(path);
    if (systemErrorCode(error) !== 'ENOENT') throw asUserError(error, 'make the folder', path);
    if (await isFolder(parent)) throw new UserError(`cannot make the folder ${path}: ${parent} takes none`);
    await makeFolder(parent);
    await makeFolder(path);
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
