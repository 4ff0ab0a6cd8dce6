/** A lock file: one process at a time uses a folder. The lock of a process that is gone is taken over. */
import { readFileSync, unlinkSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { isAlive, temporaryName } from './atomic.js';
import { asUserError, systemErrorCode, UserError } from './errors.js';

const holderSchema = z.object({ pid: z.number().int().positive(), host: z.string(), started: z.string() });
type Holder = z.infer<typeof holderSchema>;

/** When a process started, in words that only it has, so that a reused id is not taken for it; '' if unknown. */
function startOf(pid: number): string {
  try {
    // The 22nd field of /proc/PID/stat; the second, in parentheses, may contain spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${fields[19]}`;
  } catch {
    return '';
  }
}

const me = (): Holder => ({ pid: process.pid, host: hostname(), started: startOf(process.pid) });

function parseHolder(text: string): Holder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** True where the holder certainly is no more. */
function isGone(holder: Holder | undefined): boolean {
  // Lock files appear with their content; one without is what a full disk or a crash of the machine left.
  if (holder === undefined) return true;
  if (holder.host !== hostname()) return false;
  if (!isAlive(holder.pid)) return true;
  const started = startOf(holder.pid);
  return started !== '' && holder.started !== '' && started !== holder.started;
}

/**
 * Takes the lock file at `path` and returns what gives it back (which the end of the process does too). Errors:
 * UserError where another process, or this one, holds it.
 */
export async function takeLock(path: string): Promise<() => void> {
  const own = temporaryName(path);
  const text = `${JSON.stringify(me())}\n`;
  try {
    await writeFile(own, text);
    try {
      // A hard link appears with its content and never replaces anything.
      while (!(await linkIfFree(own, path))) await removeStale(path);
    } finally {
      await rm(own, { force: true });
    }
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

async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function removeStale(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const holder = parseHolder(text);
  if (!isGone(holder)) {
    const { pid, host } = holder!;
    throw new UserError(
      `process ${pid} on ${host} is using this run; wait for it, or remove ${path} if it is not running`,
    );
  }
  // Renamed first: if another process took over in between, what was renamed is its lock, and goes back.
  const aside = temporaryName(path, 'old');
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== text) await linkIfFree(aside, path);
  await rm(aside, { force: true });
}
