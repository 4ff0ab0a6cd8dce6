/** A lock file: one process at a time uses a folder. The lock of a process that is gone is taken over. */
import { readFileSync, unlinkSync } from 'node:fs';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
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
  await alone(`${path}.takeover`, async () => {
    // Read again: only who is alone here removes a lock, and nothing replaces one, so this one is still the stale one.
    const now = await readFile(path, 'utf8').catch(() => undefined);
    if (now === text) await rm(path, { force: true });
  });
}

/** What a crash left of `alone` is older than this. */
const TAKEOVER_MS = 10_000;

/** Runs `work` while nobody else does, with a folder as the sign; making one is atomic. */
async function alone(sign: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await mkdir(sign);
      break;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      const made = await stat(sign).catch(() => undefined);
      if (made && Date.now() - made.mtimeMs > TAKEOVER_MS) await rm(sign, { recursive: true, force: true });
      else await setTimeout(5);
    }
  }
  try {
    await work();
  } finally {
    await rm(sign, { recursive: true, force: true });
  }
}
