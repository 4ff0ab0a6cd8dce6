/** SHA-256 of values, files and folders: what a run compares to know whether a step's inputs have changed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asUserError, UserError } from './errors.js';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** JSON with sorted keys: equal values give equal text. @throws TypeError for what JSON cannot represent. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} cannot be an option`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} cannot be an option`);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

/** Hexadecimal SHA-256 of a text. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The file that marks a folder as this program's (mark.ts). It says nothing of what the folder holds, and is no part of its hash. */
export const MARK = '.ilf.json';

/** File hashes by identity: a file with the same inode, size and time of change has been read before. */
const known = new Map<string, string>();

/**
 * Hexadecimal SHA-256 of a file's content, or of a folder's: the names and hashes of all that is in it. Undefined
 * where there is nothing at `path`. @throws UserError for what cannot be read, and for devices, pipes and folders within themselves
 */
export const hashPath = (path: string): Promise<string | undefined> => hashBelow(path, []);

/** `above`: the folders that the path is in, by their identity. */
async function hashBelow(path: string, above: readonly string[]): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw asUserError(error, 'read', path);
  });
  if (found === undefined) return undefined;
  if (found.isDirectory()) {
    const folder = `${found.dev} ${found.ino}`;
    if (above.includes(folder))
      throw new UserError(`cannot read ${path}: it is a link to a folder that it is in`);
    const all = await readdir(path).catch((error: unknown) => {
      throw asUserError(error, 'read', path);
    });
    const names = all.filter((name) => name !== MARK).sort();
    const inside = [...above, folder];
    const parts = await Promise.all(
      names.map(async (name) => [name, (await hashBelow(join(path, name), inside)) ?? '']),
    );
    return hashText(canonicalJson(parts));
  }
  if (!found.isFile())
    throw new UserError(`cannot read ${path}: it is a device or a pipe, a file was expected`);
  const identity = [path, found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
  let hash = known.get(identity);
  if (hash === undefined) {
    const sha = createHash('sha256');
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), sha).catch((error: unknown) => {
      throw asUserError(error, 'read', path);
    });
    hash = sha.digest('hex');
    known.set(identity, hash);
  }
  return hash;
}
