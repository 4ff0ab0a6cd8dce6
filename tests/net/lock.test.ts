// Locks where the file system has no hard links, or answers as another user's does: as root one can read everything.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { takeLock } from '../../src/store/lock.js';
import { scratchFolder } from '../store/folder.js';

const fault = vi.hoisted(() => ({ link: '', readFile: '' }));

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  const failing =
    <A extends unknown[], R>(syscall: keyof typeof fault, real: (...of: A) => Promise<R>) =>
    (...of: A) =>
      fault[syscall] === ''
        ? real(...of)
        : Promise.reject(Object.assign(new Error(fault[syscall]), { code: fault[syscall], syscall }));
  return { ...fs, link: failing('link', fs.link), readFile: failing('readFile', fs.readFile as never) };
});

const scratch = scratchFolder();
let number = 0;
let dir: string;
let lock: string;
beforeEach(async () => {
  Object.assign(fault, { link: '', readFile: '' });
  dir = join(scratch, String(++number));
  lock = join(dir, 'lock');
  await mkdir(dir);
});

describe.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])('without hard links (%s)', (code) => {
  beforeEach(() => {
    fault.link = code;
  });

  it('one of many takes it, gives it back, and takes over from the dead', async () => {
    const release = await takeLock(lock);
    expect(JSON.parse(await readFile(lock, 'utf8')).pid).toBe(process.pid);
    await expect(takeLock(lock)).rejects.toThrow(/is using this run/);
    release();
    expect(await readdir(dir)).toEqual([]);
    await writeFile(lock, JSON.stringify({ pid: 999_999_999, host: hostname(), started: '' }));
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(lock)));
    expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const of of taken)
      if (of.status === 'rejected') expect(String(of.reason)).toMatch(/is using this run/);
    expect(await readdir(dir)).toEqual(['lock']);
  });
});

it('another fault of the file system is one line', async () => {
  fault.link = 'EIO';
  await expect(takeLock(lock)).rejects.toThrow(/^cannot lock .*lock: input\/output error/);
  expect(await readdir(dir)).toEqual([]);
});

it("a lock that cannot be read is another user's", async () => {
  await writeFile(lock, '');
  fault.readFile = 'EACCES';
  const refused = takeLock(lock);
  await expect(refused).rejects.toThrow(UserError);
  await expect(refused).rejects.toThrow(/^cannot read the lock .*: permission denied; it is another user's/);
});
