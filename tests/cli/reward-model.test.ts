// `node train.js reward-model` in a child process.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { buildOnce, cli, filesBelow } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const models = join(dir, 'models');
const words = ['reward-model', '--base', join(models, 'base'), '--instruct', join(models, 'instruct')];
const own = join(dir, 'own.jsonl');
const line = JSON.stringify({ context: 'A post.', chosen: 'good', rejected: 'bad' });

beforeAll(async () => {
  buildOnce();
  await writeTinyModels(models);
  writeFileSync(own, `${line}\n${line}\n`);
}, 180_000);
// A busy machine needs its time.
vi.setConfig({ testTimeout: 120_000 });

const weights = (out: string) => readFileSync(join(dir, out, 'model.safetensors')).toString('latin1');

describe('reward-model', () => {
  it('writes a model folder: the same one for the same seed, another one for another kind', async () => {
    const sampled = ['--count', '6', '--from', '2', '--max-tokens', '6', '--quiet'];
    for (const [out, ...more] of [['one'], ['again'], ['human', '--kind', 'human']] as [
      string,
      ...string[],
    ][])
      expect(await inProcess([...words, '--out', out, ...sampled, ...more], { cwd: dir })).toEqual({
        code: 0,
        stdout: '',
        // The model has learned nothing.
        stderr: expect.stringMatching(/^(The models do not know such text.*\n)?$/),
      });
    const files = filesBelow(join(dir, 'one'));
    expect(files).toContain('config.json');
    expect(files).toContain('tokenizer.json');
    expect(weights('again')).toBe(weights('one'));
    expect(weights('human')).not.toBe(weights('one'));
  });

  it("trains on a person's own comparisons", async () => {
    const instruct = words.slice(3);
    const finished = await cli(['reward-model', ...instruct, '--comparisons', own, '--out', 'own'], {
      cwd: dir,
    });
    expect(finished).toMatchObject({ code: 0, stdout: '' });
    expect(filesBelow(join(dir, 'own'))).toContain('model.safetensors');
  });

  const bad = join(dir, 'bad.jsonl');
  it.each([
    ['no place for it', [], /Missing required argument: out/],
    ['an unknown form', ['--out', 'x', '--form', 'plackett-luce'], /form.*plackett-luce/],
    ['an unknown kind', ['--out', 'x', '--kind', 'height'], /kind.*height/],
    [
      'comparisons from two places',
      ['--out', 'x', '--comparisons', own, '--count', '3'],
      /mutually exclusive/,
    ],
    ['a missing file', ['--out', 'x', '--comparisons', join(dir, 'none.jsonl')], /none\.jsonl/],
    ['a bad line', ['--out', 'x', '--comparisons', bad], /bad\.jsonl:2: .*rejected/],
    [
      'a missing model',
      ['--out', 'x', '--instruct', join(dir, 'none'), '--count', '2'],
      /no model folder .*none/,
    ],
  ])('refuses %s in one line with status 2', async (_, more, message) => {
    writeFileSync(bad, `${line}\n{"context": "a", "chosen": "b"}\n`);
    const finished = await inProcess(['reward-model', ...more], { cwd: dir });
    expect(finished.stderr).toMatch(/^error: .*\n$/);
    expect(finished.stderr).toMatch(message);
    expect(finished).toMatchObject({ code: 2, stdout: '' });
    expect(filesBelow(join(dir, 'x'))).toEqual([]);
  });
});
