/** A lock file: one process at a time uses a folder. The lock of a process that is gone is taken over. */
import { readFileSync, unlinkSync } from 'node:fs';
import { link, lstat, open, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { asUserError, systemErrorCode, UserError } from './errors.js';
import { temporaryName } from './leftovers.js';
import { isGone, type Owner, thisProcess } from './owner.js';

const holderSchema = z.object({ pid: z.number().int().positive(), host: z.string(), started: z.string() });

/** A lock has some 150 bytes. */
const MOST_BYTES = 10_000;
/** A lock that says nothing is one whose process is about to write into it, or what a crash left; after this long the latter. */
const EMPTY_MS = 1000;
/** Taking over takes some milliseconds; after this long who began it is taken to be gone. */
const TAKEOVER_MS = 10_000;
/** What file systems without hard links answer: FAT and exFAT, many network and cloud ones. */
const NO_LINKS: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

const ownText = (): string => `${JSON.stringify(thisProcess())}\n`;

function parseHolder(text: string | undefined): Owner | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}

/**
 * Takes the lock file at `path` and returns what gives it back (which the end of the process does too). Errors:
 * UserError where another process, or this one, holds it, or it is no lock file.
 */
export async function takeLock(path: string): Promise<() => void> {
  const text = ownText();
  const takeover = `${path}.takeover`;
  try {
    while (!(await makeFile(path, text))) await removeStale(path, takeover);
    // Who was killed while taking over left this; while we have the lock, there is nothing to take over.
    if (await isLeft(takeover)) await rm(takeover, { force: true });
  } catch (error) {
    throw asUserError(error, 'lock', path);
  }
  const release = () => {
    process.off('exit', release);
    try {
      if (readFileSync(path, 'utf8') === text) unlinkSync(path);
    } catch {
      // The folder is gone, and the lock with it.
    }
  };
  process.on('exit', release);
  return release;
}

/** Makes the file, unless there is anything of this name. */
async function makeFile(path: string, text: string): Promise<boolean> {
  const own = temporaryName(path);
  try {
    await writeFile(own, text);
    // A hard link appears with its content and never replaces anything.
    await link(own, path);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.includes(code)) throw error;
  } finally {
    await rm(own, { force: true });
  }
  return makeInPlace(path, text);
}

/** The same where there are no hard links: the file is empty for a moment. */
async function makeInPlace(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    await rm(path, { force: true });
    throw error;
  }
  // Where that moment was long, somebody may have taken the file for what a crash left.
  return (await readLock(path)) === text;
}

/** The lock's text; undefined where there is none. @throws UserError for what is no lock file, or cannot be read */
async function readLock(path: string): Promise<string | undefined> {
  try {
    const found = await lstat(path);
    if (!found.isFile() || found.size > MOST_BYTES)
      throw new UserError(`${path} is where the lock file should be, and is none; remove it`);
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'EACCES')
      throw new UserError(
        `cannot read the lock ${path}: permission denied; it is another user's, so choose another folder`,
      );
    throw asUserError(error, 'read the lock', path);
  }
}

async function removeStale(path: string, takeover: string): Promise<void> {
  const text = await readLock(path);
  if (text === undefined) return;
  const holder = parseHolder(text);
  if (holder === undefined) {
    await setTimeout(EMPTY_MS);
    if ((await readLock(path)) !== text) return;
  } else if (!isGone(holder))
    throw new UserError(
      `process ${holder.pid} on ${holder.host} is using this run; wait for it, or remove ${path} if it is not running`,
    );
  await alone(takeover, async () => {
    // Read again: only who is alone here removes a lock, and nothing replaces one, so this one is still the stale one.
    if ((await readLock(path)) === text) await rm(path, { force: true });
  });
}

/** Runs `work` while nobody else does, with a file as the sign that says whose it is. */
async function alone(sign: string, work: () => Promise<void>): Promise<void> {
  const patience = performance.now() + TAKEOVER_MS;
  while (!(await makeFile(sign, ownText()))) {
    if ((await isLeft(sign)) || performance.now() > patience)
      await rm(sign, { recursive: true, force: true });
    else await setTimeout(5);
  }
  try {
    await work();
  } finally {
    await rm(sign, { recursive: true, force: true });
  }
}

/** True where the sign's process certainly is no more. */
async function isLeft(sign: string): Promise<boolean> {
  const holder = parseHolder(await readFile(sign, 'utf8').catch(() => undefined));
  return holder !== undefined && isGone(holder);
}
