/**
 * The names of what is being written, in the folder where it is to appear, and what becomes of it when its process is killed:
 *
 *     .NAME.PID-COUNT-HOST-START.tmp   under way, or no longer wanted
 *     .NAME.PID-COUNT-HOST-START.new   a folder, whole, about to become NAME
 *     .NAME.PID-COUNT-HOST-START.old   a folder, whole, that was NAME and makes place for the new one
 */
import { lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from './errors.js';
import { hashText } from './hash.js';
import { isGone, thisProcess } from './owner.js';

type Ending = 'tmp' | 'new' | 'old';
const LEFTOVER = /^\.(.+)\.(\d+)-\d+-([0-9a-f]{8})-([0-9a-f]{8})\.(tmp|new|old)$/;

/** Nobody here can tell whether a process of another host lives; but nothing is being written for as long as this. */
const FOREIGN_MS = 24 * 3600 * 1000;

const digest = (text: string) => hashText(text).slice(0, 8);

let count = 0;

/** A name that nothing else uses, in the folder of `path`. */
export function temporaryName(path: string, ending: Ending = 'tmp'): string {
  count += 1;
  const { pid, host, started } = thisProcess();
  const owner = `${pid}-${count}-${digest(host)}-${digest(started)}`;
  return join(dirname(path), `.${basename(path)}.${owner}.${ending}`);
}

interface Leftover {
  path: string;
  /** What it was to become, or was. */
  target: string;
  ending: Ending;
}

/**
 * Sets right what killed processes left in `dir` (not in folders below it): where a folder is missing that was being replaced, the new
 * one takes its place, or else the old one again; what else they left is removed. What cannot be touched, being another user's, stays.
 */
export async function recover(dir: string): Promise<void> {
  const left = await leftIn(dir);
  for (const ending of ['new', 'old'] as const)
    for (const { path, target } of left.filter((of) => of.ending === ending))
      if (!(await isThere(target))) await ignoringSystem(rename(path, target));
  for (const { path, target, ending } of left)
    if (ending === 'tmp') await ignoringSystem(rm(path, { recursive: true, force: true }));
    else if (await isThere(target)) await ignoringSystem(discard(path));
}

/** The same in `dir` and all folders below it. */
export async function recoverBelow(dir: string): Promise<void> {
  await recover(dir);
  for (const entry of (await ignoringSystem(readdir(dir, { withFileTypes: true }))) ?? [])
    if (entry.isDirectory()) await recoverBelow(join(dir, entry.name));
}

/** Removes a folder, of which nobody ever sees a half. @throws system errors */
export async function discard(dir: string): Promise<void> {
  const name = temporaryName(dir);
  await rename(dir, name);
  await rm(name, { recursive: true, force: true });
}

async function leftIn(dir: string): Promise<Leftover[]> {
  const left: Leftover[] = [];
  for (const name of (await ignoringSystem(readdir(dir))) ?? []) {
    const [, target, pid, host, started, ending] = LEFTOVER.exec(name) ?? [];
    if (target === undefined) continue;
    const path = join(dir, name);
    const owner = { pid: Number(pid), host: host!, started: started! };
    if (isGone(owner, digest) || (host !== digest(thisProcess().host) && (await isOld(path))))
      left.push({ path, target: join(dir, target), ending: ending as Ending });
  }
  return left;
}

async function isOld(path: string): Promise<boolean> {
  const found = await ignoringSystem(stat(path));
  return found !== undefined && Date.now() - found.mtimeMs > FOREIGN_MS;
}

const isThere = async (path: string): Promise<boolean> => (await ignoringSystem(lstat(path))) !== undefined;

async function ignoringSystem<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
