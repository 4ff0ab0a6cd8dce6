/** What is particular to the engine `tensorflow`: how it is found, linked and loaded. What it computes is in the suites. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { findTensorflow } from '../../src/engine/engines/tensorflow/find.js';
import { startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';
import { backends, use } from './harness.js';

const script = fileURLToPath(new URL('../../kernels/build/tensorflow-link.mjs', import.meta.url));
const link = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });

describe('tensorflow:link refuses in one line, with exit status 2,', () => {
  test.each([
    ['nothing', [], /--python is missing; usage: /],
    ['an unknown option', ['--pyton', 'x'], /Unknown option '--pyton'; usage: /],
    [
      'a Python that is not there',
      ['--python', '/nowhere/python'],
      /\/nowhere\/python does not run \(ENOENT\)/,
    ],
    ['what is no Python', ['--python', process.execPath], /fails: /],
  ])('%s', (_name, args, message) => {
    const { status, stdout, stderr } = link(...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

test('what is needed is found or comes with advice', () => {
  const { needs, found } = findTensorflow();
  expect(needs.map(({ what }) => what)).toEqual(['tfjs-node', 'TensorFlow']);
  for (const need of needs) if (need.found === null) expect(need.advice).toMatch(/npm (install|run) /);
  expect(found !== null).toBe(needs.every((need) => need.found !== null));
});

describe.runIf(backends.includes('tensorflow'))('tensorflow', () => {
  afterAll(() => use('js'));

  test('loads on a Node whose util has lost what tfjs-node takes from it; tfjs stays one', async () => {
    const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
    for (const name of ['isNullOrUndefined', 'isArray']) delete util[name];
    const engine = await startEngine('tensorflow');
    expect(engine.describe()).toMatch(/^tensorflow \(\d+\.\d+\.\d+.*, (CPU|GPU)\)$/);
    expect(tf.getBackend()).toBe('tensorflow');
    const { values, indices } = tf.topk(tf.tensor1d([3, 1, 2]), 2);
    expect([[...values.dataSync()], [...indices.dataSync()]]).toEqual([
      [3, 2],
      [0, 2],
    ]);
    tf.dispose([values, indices]);
  });

  test('the number of threads is settled when TensorFlow is loaded', async () => {
    const again = startEngine('tensorflow', { threads: 3 });
    await expect(again).rejects.toThrow(
      '--threads: TensorFlow already runs in this process with all threads',
    );
    expect((await startEngine('tensorflow')).name).toBe('tensorflow');
  });

  test('linking again does nothing', () => {
    const python = process.env.ILF_TENSORFLOW_PYTHON;
    if (!python) return;
    expect(link('--python', python).stdout).toMatch(/is linked already\n$/);
  });
});
