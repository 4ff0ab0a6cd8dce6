// npm run bench from outside, with tiny amounts: that it ends well, with JSON as its last line. No times are asserted.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildOnce } from '../helpers/cli.js';

const bench = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'bench', 'main.js');
const run = (...words: string[]) => spawnSync(process.execPath, [bench, ...words], { encoding: 'utf8' });

interface Spread {
  median: number;
  min: number;
  max: number;
}

interface Document {
  bench: string;
  quick: boolean;
  outcomes: {
    bench: string;
    results: {
      contenders: { name: string; peakRssMiB: number; kernelShare?: Record<string, number> }[];
      comparisons: { contender: string; what: string; rate: Spread; ratio: Spread | null }[];
    }[];
  }[];
}

/** Runs a bench to its end and checks what all of them print. */
function measured(...words: string[]): Document {
  const { stdout, stderr, status } = run('--quick', ...words);
  expect(status, stderr).toBe(0);
  const document = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Document;
  expect(document.quick).toBe(true);
  return document;
}

describe('npm run bench', () => {
  beforeAll(buildOnce, 120_000);

  it('without a name measures all four', () => {
    const document = measured();
    expect(document.outcomes.map((outcome) => outcome.bench)).toEqual(['gemm', 'train', 'generate', 'kl']);
    for (const { results } of document.outcomes) {
      expect(results.length).toBeGreaterThan(0);
      for (const { contenders, comparisons } of results) {
        expect(contenders[0]!.name).toBe('ours');
        for (const { peakRssMiB, kernelShare } of contenders) {
          expect(peakRssMiB).toBeGreaterThan(1);
          // Native time cannot be more than all time, nor nothing where there is a native engine.
          for (const share of Object.values(kernelShare ?? {})) expect(share > 0 && share <= 1).toBe(true);
        }
        expect(comparisons.length).toBeGreaterThan(0);
        for (const { rate } of comparisons) {
          expect(rate.min).toBeGreaterThan(0);
          expect(rate.median).toBeGreaterThanOrEqual(rate.min);
          expect(rate.max).toBeGreaterThanOrEqual(rate.median);
        }
      }
    }
  }, 180_000);

  it('gemm measures every product of a step, and prints Markdown', () => {
    const { stdout, status } = run(
      'gemm',
      '--quick',
      '--model',
      '3.7M',
      '--precision',
      'float32',
      '--markdown',
    );
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    const document = JSON.parse(lines.at(-1)!) as Document;
    const [result] = document.outcomes[0]!.results;
    const what = new Set(result!.comparisons.filter((c) => c.contender === 'ours').map((c) => c.what));
    expect(what.size).toBe(15);
    expect(lines.filter((line) => /^\| \w+ (forward|dx|dw) \|/.test(line))).toHaveLength(15);
  }, 120_000);

  it.each([
    ['an unknown option', ['--fast'], /fast/],
    ['an unknown bench', ['everything'], /everything/],
    ['an unknown model', ['train', '--model', 'large'], /--model .*3\.7M/],
    ['an option of another bench', ['train', '--top-p', '0.9'], /top-p/],
    ['no threads', ['gemm', '--threads', '0'], /--threads/],
    ['a Python that is none', ['gemm', '--peer-python', './no-python'], /--peer-python .*no PyTorch/],
    ['a text too long for the model', ['train', '--quick', '--length', '500'], /128 positions/],
  ])('refuses %s, in one line', (_what, words, message) => {
    const { stdout, stderr, status } = run(...words);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(message);
  });
});
