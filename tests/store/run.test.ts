import { spawn, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { writeFileAtomic } from '../../src/store/atomic.js';
import { UserError } from '../../src/store/errors.js';
import { writeFolderAtomic } from '../../src/store/folder.js';
import { canonicalJson } from '../../src/store/hash.js';
import { openRun, type Run } from '../../src/store/run.js';
import { scratchFolder } from './folder.js';

const scratch = scratchFolder();
const settings = { version: '1', options: { rounds: 2, lr: 3e-4 }, seeds: { sampling: 7 } };

/** Two steps, the second from the first's output; returns the names of those that ran. */
async function work(run: Run, first: number, second = 0): Promise<string[]> {
  const ran: string[] = [];
  const a = () => writeFileAtomic(run.path('a.txt'), `a ${first % 10}`);
  if (await run.step('a', { values: { first } }, ['a.txt'], a)) ran.push('a');
  const b = () =>
    writeFolderAtomic(run.path('b'), (dir) => writeFile(join(dir, 'x'), `${first % 10} ${second}`));
  if (await run.step('b', { values: { second }, files: ['a.txt'] }, ['b'], b)) ran.push('b');
  return ran;
}

async function once(dir: string, first: number, second = 0): Promise<string[]> {
  const run = await openRun(dir, settings);
  try {
    return await work(run, first, second);
  } finally {
    run.close();
  }
}

it('runs a step again when, and only when, something it depends on has changed', async () => {
  const dir = join(scratch, 'steps');
  expect(await once(dir, 1)).toEqual(['a', 'b']);
  expect(await once(dir, 1)).toEqual([]);
  expect(await once(dir, 1, 5)).toEqual(['b']);
  expect(await once(dir, 2, 5)).toEqual(['a', 'b']);
  // Other inputs, the same output: what follows need not run.
  expect(await once(dir, 12, 5)).toEqual(['a']);
  await writeFile(join(dir, 'a.txt'), 'a 3');
  expect(await once(dir, 12, 5)).toEqual(['a']);
  await rm(join(dir, 'b', 'x'));
  expect(await once(dir, 12, 5)).toEqual(['b']);
  await writeFile(join(dir, 'b', 'y'), '');
  expect(await once(dir, 12, 5)).toEqual(['b']);
  expect(await readdir(join(dir, 'b'))).toEqual(['.ilf.json', 'x']);
  await rm(join(dir, 'manifest.json'));
  expect(await once(dir, 12, 5)).toEqual(['a', 'b']);
});

it('records what was made, from what, and with which options', async () => {
  const dir = join(scratch, 'manifest');
  await once(dir, 1);
  const run = await openRun(dir, { ...settings, options: { rounds: 3 }, version: '2' });
  run.close();
  const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'));
  expect(manifest).toMatchObject({ version: '2', options: { rounds: 3 }, seeds: { sampling: 7 } });
  expect(Object.keys(manifest.steps)).toEqual(['a', 'b']);
  expect(manifest.steps.a.outputs['a.txt']).toMatch(/^[0-9a-f]{64}$/);
  expect(Date.parse(manifest.steps.b.finishedAt)).toBeGreaterThan(0);
  expect((await readdir(dir)).sort()).toEqual(['a.txt', 'b', 'manifest.json']);
});

it('takes the time of the steps that it has, whenever they were made, not of those that it no longer has', async () => {
  const dir = join(scratch, 'seconds');
  await once(dir, 1);
  const run = await openRun(dir, settings);
  const { a, b } = run.manifest.steps;
  expect(run.seconds()).toBe(0);
  await run.step('a', { values: { first: 1 } }, ['a.txt'], async () => {});
  expect(run.seconds()).toBe(a!.seconds);
  expect(b!.seconds).toBeGreaterThan(0);
  await work(run, 1);
  expect(run.seconds()).toBeCloseTo(a!.seconds + b!.seconds, 12);
  run.close();
});

it('does not record a step that failed, that did not write, or whose input is missing', async () => {
  const run = await openRun(join(scratch, 'failing'), settings);
  const failing = run.step('x', {}, ['x.txt'], () => Promise.reject(new UserError('no')));
  await expect(failing).rejects.toThrow('no');
  await expect(run.step('x', {}, ['x.txt'], async () => {})).rejects.toThrow('did not write');
  await expect(run.step('x', { files: ['/no/such'] }, [], async () => {})).rejects.toThrow(UserError);
  expect(run.manifest.steps).toEqual({});
  run.close();
});

it('goes on after a SIGKILL in the middle of a step', async () => {
  const dir = join(scratch, 'killed');
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, [file('../child.mjs'), file('interrupted-run.ts'), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await expect(openRun(dir, settings)).rejects.toThrow(
    new RegExp(`process ${child.pid} on .* is using this run`),
  );
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  expect((await readdir(dir)).some((name) => name.endsWith('.tmp'))).toBe(true);

  const run = await openRun(dir, settings);
  expect((await readdir(dir)).sort()).toEqual(['lock', 'manifest.json', 'one.txt', 'other.txt']);
  const one = await run.step('one', { values: 1 }, ['one.txt'], () => Promise.reject(new Error('again')));
  expect(one).toBe(false);
  const two = await run.step('two', { values: 2, files: ['one.txt'] }, ['two.txt'], () =>
    writeFileAtomic(run.path('two.txt'), 'whole'),
  );
  expect(two).toBe(true);
  run.close();
});

it('is for one opener at a time, and takes over from the dead only', async () => {
  const dir = join(scratch, 'locked');
  const lock = join(dir, 'lock');
  const first = await openRun(dir, settings);
  await expect(openRun(dir, settings)).rejects.toThrow(UserError);
  first.close();

  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const alive = { pid: process.ppid, host: hostname(), started: '' };
  const holders: [unknown, boolean][] = [
    [{ ...alive, pid: dead }, true],
    [{ ...alive, started: 'another boot 123' }, process.platform === 'linux'],
    ['', true],
    [alive, false],
    [{ ...alive, pid: dead, host: 'elsewhere' }, false],
  ];
  for (const [holder, free] of holders) {
    await writeFile(lock, holder === '' ? '' : JSON.stringify(holder));
    if (free) (await openRun(dir, settings)).close();
    else await expect(openRun(dir, settings)).rejects.toThrow(/is using this run/);
    await rm(lock, { force: true });
  }
  expect(await readdir(dir)).toEqual(['manifest.json']);
});

it('lets one of many take over a stale lock', async () => {
  const dir = join(scratch, 'contended');
  await mkdir(dir);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  await writeFile(join(dir, 'lock'), JSON.stringify({ pid: dead, host: hostname(), started: '' }));
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => openRun(dir, settings)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const result of results) {
    if (result.status === 'rejected') expect(String(result.reason)).toMatch(/is using this run/);
  }
  expect((await readdir(dir)).sort()).toEqual(['lock', 'manifest.json']);
});

it.each([
  ['no JSON', '{"version":'],
  ['another shape', '{"steps":[]}'],
  ['hashes that are not', '{"version":"1","options":{},"seeds":{},"steps":{"a":{"inputsHash":1}}}'],
])('refuses a manifest with %s, and gives the lock back', async (what, text) => {
  const dir = join(scratch, `bad ${what}`);
  await mkdir(dir);
  await writeFile(join(dir, 'manifest.json'), text);
  await expect(openRun(dir, settings)).rejects.toThrow(/manifest\.json: /);
  expect(await readdir(dir)).toEqual(['manifest.json']);
});

it('hashes options by value', () => {
  expect(canonicalJson({ b: [1, null, 'é"'], a: { d: true, c: -0.5 } })).toBe(
    '{"a":{"c":-0.5,"d":true},"b":[1,null,"é\\""]}',
  );
  expect(() => canonicalJson(Number.NaN)).toThrow(TypeError);
  expect(() => canonicalJson({ a: undefined } as never)).toThrow(TypeError);
});
