// The package for machines without npm or a network: packed, moved, and run with no environment at all.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildOnce } from '../helpers/cli.js';

const root = join(import.meta.dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'ilf-test-'));
const place = join(scratch, 'a place of its own');

const pack = (...words: string[]) =>
  spawnSync(process.execPath, [join(root, 'kernels', 'build', 'pack.mjs'), ...words], { encoding: 'utf8' });
/** The packed program, with an empty environment: no PATH. */
const ilf = (...words: string[]) =>
  spawnSync(join(place, 'ilf'), words, { cwd: scratch, env: {}, encoding: 'utf8', maxBuffer: 1 << 26 });

beforeAll(() => {
  buildOnce();
  const packed = pack('--out', join(scratch, 'packed'), '--no-archive');
  expect(packed.stderr).toBe('');
  expect(packed.status).toBe(0);
  renameSync(join(scratch, 'packed'), place);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it('runs the whole loop, with InstructRM on onnxruntime, and writes its page', () => {
  const words = ['--contexts', '4', '--heldout', '4', '--samples', '2', '--quiet', '--json', '--run', 'run'];
  const { status, stdout, stderr } = ilf(...words);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(JSON.parse(stdout).options.host).toBe('transformers');
  expect(readFileSync(join(scratch, 'run', 'report.html'), 'utf8')).toContain('<svg');
});

it('computes what the program computes that was packed', () => {
  const data = join(scratch, 'data.jsonl');
  writeFileSync(data, '{"prompt":"Post: Dana pays rent.","completion":" Dana pays."}\n');
  const model = join(root, 'models', 'base');
  const words = ['score', '--model', model, '--data', data, '--json'];
  const here = spawnSync(process.execPath, [join(root, 'train.js'), ...words], { encoding: 'utf8' });
  expect(ilf(...words).stdout).toBe(here.stdout);
  expect(JSON.parse(here.stdout).logprobs.length).toBeGreaterThan(1);
});

it('tries every engine, each in a process of its own, and runs the benches', () => {
  const { status, stdout } = ilf('doctor');
  expect(status).toBe(0);
  expect(stdout).toMatch(/wasm +works in float32/);
  expect(stdout).not.toMatch(/(tfjs|transformers|onnxruntime) +not found/);
  const parity = ilf('bench', 'parity', '--engine', 'wasm', '--precision', 'float32');
  expect(parity.stdout).toMatch(/all \d+ checks hold/);
  expect(existsSync(join(place, 'program', 'bench', 'peers', 'train.py'))).toBe(true);
});

it('reads a table that is compressed with zstd: the decompressor came along', () => {
  const contexts = join(root, 'tests', 'store', 'goldens', 'contexts-zstd.arrow');
  const { status, stderr } = ilf('generate', '--contexts', contexts, '--out', 'outputs.arrow', '--quiet');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it('replaces a package, and nothing else; says what is missing', () => {
  expect(pack()).toMatchObject({ status: 2, stderr: expect.stringMatching(/^error: .*--out DIR\)?\n$/) });
  expect(pack('--bogus')).toMatchObject({ status: 2 });
  const own = mkdtempSync(join(scratch, 'own-'));
  writeFileSync(join(own, 'thesis.txt'), 'mine');
  expect(pack('--out', own, '--no-archive')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('thesis.txt'),
  });
  expect(readFileSync(join(own, 'thesis.txt'), 'utf8')).toBe('mine');
});
