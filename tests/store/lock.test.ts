// What stands where a run's lock should be, and what a kill leaves of one. Who may take a lock over from whom: run.test.ts.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { takeLock } from '../../src/store/lock.js';
import { scratchFolder } from './folder.js';

const scratch = scratchFolder();
let number = 0;
let dir: string;
let lock: string;
beforeEach(async () => {
  dir = join(scratch, String(++number));
  lock = join(dir, 'lock');
  await mkdir(dir);
});

const dead = JSON.stringify({
  pid: spawnSync(process.execPath, ['-e', '']).pid,
  host: hostname(),
  started: '',
});

const others: [what: string, make: () => Promise<unknown>][] = [
  ['a folder', () => mkdir(lock)],
  ['a link to nothing', () => symlink('nowhere', lock)],
  ['a link to a file', () => symlink('/etc/hostname', lock)],
  ['a large file', () => writeFile(lock, 'x'.repeat(20_000))],
];
it.each(others)('%s is refused at once, and left as it is', async (_what, make) => {
  await make();
  const start = performance.now();
  await expect(takeLock(lock)).rejects.toThrow(
    `${lock} is where the lock file should be, and is none; remove it`,
  );
  expect(performance.now() - start).toBeLessThan(1000);
  expect(await readdir(dir)).toEqual(['lock']);
});

it.runIf(process.getuid?.() !== 0)("another user's is refused at once", async () => {
  await writeFile(lock, dead, { mode: 0 });
  await expect(takeLock(lock)).rejects.toThrow(
    /^cannot read the lock .*: permission denied; it is another user's/,
  );
});

it('a kill while taking over is taken over, too, at once', async () => {
  await writeFile(lock, dead);
  await writeFile(`${lock}.takeover`, dead);
  const start = performance.now();
  const release = await takeLock(lock);
  expect(performance.now() - start).toBeLessThan(1000);
  expect(JSON.parse(await readFile(lock, 'utf8')).pid).toBe(process.pid);
  expect(await readdir(dir)).toEqual(['lock']);
  release();
  expect(await readdir(dir)).toEqual([]);
});

it('so is one after the old lock was removed', async () => {
  await writeFile(`${lock}.takeover`, dead);
  (await takeLock(lock))();
  expect(await readdir(dir)).toEqual([]);
});

it('a lock that is empty for a moment is its process’s', async () => {
  await writeFile(lock, '');
  const taken = takeLock(lock);
  setTimeout(
    () => writeFile(lock, JSON.stringify({ pid: process.ppid, host: hostname(), started: '' })),
    200,
  );
  await expect(taken).rejects.toThrow(`process ${process.ppid} on ${hostname()} is using this run`);
});
