/** Which process a file belongs to, so that what a dead one left can be told from what a living one is at. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemErrorCode } from './errors.js';

export interface Owner {
  pid: number;
  host: string;
  /** When the process started, in words that only it has: ids are used again. '' where nobody can tell. */
  started: string;
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

function startOf(pid: number): string {
  try {
    // The third field of /proc/PID/stat and those after it; the second, in parentheses, may contain spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    // It has ended, and its parent has not asked yet how.
    if (fields[0] === 'Z') return 'ended';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${fields[19]}`;
  } catch {
    return '';
  }
}

export const thisProcess = (): Owner => ({
  pid: process.pid,
  host: hostname(),
  started: startOf(process.pid),
});

/**
 * True where the process certainly is no more. Of another host nobody can tell. `as` is how `host` and `started` are written down, where
 * that is not as they are.
 */
export function isGone({ pid, host, started }: Owner, as = (text: string) => text): boolean {
  if (host !== as(hostname())) return false;
  if (!isAlive(pid)) return true;
  const now = startOf(pid);
  return now !== '' && started !== as('') && started !== as(now);
}
