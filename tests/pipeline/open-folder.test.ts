// What is in a run's folder and was not made by the run stays, also where the run starts anew.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openFolder } from '../../src/pipeline/open-folder.js';
import type { LoopOptions } from '../../src/pipeline/options.js';
import { writeFileAtomic } from '../../src/store/atomic.js';
import { writeFolderAtomic } from '../../src/store/folder.js';
import { filesBelow } from '../helpers/cli.js';
import { ofDead, scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const open = (run: string, fresh: boolean) =>
  openFolder({ dir: run, fresh, version: '1' }, { seed: 1 } as LoopOptions, async () => {});

it('--fresh removes what the record lists, and nothing else', async () => {
  const at = join(dir, 'run');
  const run = await open(at, false);
  const table = 'round-1/a.arrow';
  await run.step('a', {}, [table], () => writeFileAtomic(run.path(table), ''));
  await run.step('b', {}, ['round-2/b'], () =>
    writeFolderAtomic(run.path('round-2/b'), (to) => writeFile(to)),
  );
  run.close();
  const mine = ['data/mine.txt', 'round-1/notes.txt'];
  mkdirSync(join(at, 'data'));
  for (const path of mine) writeFileSync(join(at, path), 'mine');
  // A record that was not written by us may name anything.
  writeFileSync(join(dir, 'outside'), 'mine');
  const path = join(at, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  manifest.steps.a.outputs['../outside'] = 'x';
  manifest.steps.a.outputs[join(dir, 'outside')] = 'x';
  manifest.steps.a.outputs['.'] = 'x';
  writeFileSync(path, JSON.stringify(manifest));

  (await open(at, false)).close();
  expect(filesBelow(at)).toEqual(expect.arrayContaining([table, 'round-2/b/weights', ...mine]));
  (await open(at, true)).close();
  expect(filesBelow(at)).toEqual([...mine, 'manifest.json'].sort());
  expect(readFileSync(join(dir, 'outside'), 'utf8')).toBe('mine');
});

const writeFile = async (to: string) => writeFileSync(join(to, 'weights'), '');

it('sets right what a kill left, however deep, and refuses no folder for a lock that was being taken over', async () => {
  const at = join(dir, 'killed');
  mkdirSync(at);
  // Of another host, which nobody can tell about.
  writeFileSync(join(at, 'lock.takeover'), JSON.stringify({ pid: 1, host: 'elsewhere', started: '' }));
  (await open(at, false)).close();
  const deep = join(at, 'ladder', '2x32');
  const [whole, half] = [ofDead(join(deep, 'model'), 'new'), ofDead(join(deep, 'table'), 'tmp')];
  for (const path of [whole, half]) mkdirSync(path, { recursive: true });
  await writeFile(whole);
  (await open(at, false)).close();
  expect(filesBelow(at)).toEqual(['ladder/2x32/model/weights', 'lock.takeover', 'manifest.json']);
  expect(existsSync(half)).toBe(false);
});
