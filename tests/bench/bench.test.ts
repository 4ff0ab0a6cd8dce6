// npm run bench from outside, with tiny amounts: that it ends well, with JSON as its last line. No times are asserted.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
    part: string;
    bench: string;
    state: string;
    notes: string[];
    results: {
      contenders: { name: string; peakRssMiB: number; kernelShare?: Record<string, number> }[];
      comparisons: { contender: string; what: string; rate: Spread; ratio: Spread | null }[];
    }[];
  }[];
}

/** Runs a bench to its end and checks what all of them print. */
function measured(...words: string[]): Document {
  const { stdout, stderr, status } = run(...words, '--quick');
  expect(status, stderr).toBe(0);
  const document = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Document;
  expect(document.quick).toBe(true);
  return document;
}

describe('npm run bench', () => {
  beforeAll(buildOnce, 120_000);
  const temporary = mkdtempSync(join(tmpdir(), 'bench-'));
  afterAll(() => rmSync(temporary, { recursive: true, force: true }));
  const dir = (name: string) => join(temporary, name);

  it('without a name measures all four', () => {
    const document = measured('--model', 'embedded');
    expect(document.outcomes.map((outcome) => outcome.bench)).toEqual([
      ...['train', 'generate', 'kl'],
      // In two precisions.
      ...Array(2).fill('gemm'),
    ]);
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

  it('measures ours first, then beside peers', () => {
    // As bench/peers/about.py and train.py answer.
    const about = {
      version: '0',
      compiles: false,
      fused: false,
      openblas: false,
      transformers: null,
      cuda: null,
    };
    const report = { subject: 'PyTorch 0', rates: { train: [1] }, peakRssMiB: 1 };
    const python = dir('python');
    writeFileSync(
      python,
      `#!${process.execPath}
      const about = process.argv[2].endsWith('about.py');
      console.log(JSON.stringify(about ? ${JSON.stringify(about)} : ${JSON.stringify(report)}));`,
      { mode: 0o755 },
    );
    const words = ['--model', 'embedded', '--repetitions', '2', '--peer-python', python];
    const { outcomes } = measured('train', ...words);
    expect(outcomes.map(({ part, state }) => [/beside peers$/.test(part), state])).toEqual([
      [false, 'done'],
      [true, 'done'],
    ]);
    const [alone, beside] = outcomes.map(({ results }) => results[0]!);
    expect(alone!.comparisons).toHaveLength(1);
    const [ours, theirs] = beside!.comparisons;
    expect(theirs).toMatchObject({ contender: 'PyTorch 0', rate: { median: 1 } });
    // Theirs is one a second.
    expect(theirs!.ratio).toEqual(ours!.rate);

    // A peer in a mode that is given, without ours, and its ratio to what was measured before.
    const [first, second] = [dir('first'), dir('second')];
    measured('train', '--model', 'embedded', '--repetitions', '1', '--out', first);
    const mode = ['--peers-only', '--peer-mode', 'eager, plain attention'];
    const only = measured('train', ...words, ...mode, '--out', second).outcomes;
    expect(only.map(({ state, results }) => [state, results[0]!.comparisons[0]!.contender])).toEqual([
      ['done', 'PyTorch 0, eager, plain attention'],
    ]);
    const journals = [first, second].flatMap((at) =>
      readdirSync(at, { encoding: 'utf8' })
        .filter((name) => name.endsWith('.reports.jsonl'))
        .map((name) => join(at, name)),
    );
    expect(journals).toHaveLength(2);
    const compared = run('compare', ...journals);
    expect(compared.stdout).toMatch(/ours: cpu[\s\S]*PyTorch 0, eager, plain attention +1 +[\d,.]+×/);
  }, 120_000);

  it('ends in time', () => {
    const started = performance.now();
    // Hours, were it not ended.
    const words = ['--model', 'embedded', '--steps', '10000000', '--repetitions', '1', '--seconds', '8'];
    const { stdout, stderr, status } = run('train', ...words, '--out', dir('late'));
    expect((performance.now() - started) / 1000).toBeLessThan(50);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/^part 1 of 1: train, embedded, .*; \d+ s left$/m);
    const [outcome] = (JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Document).outcomes;
    expect(outcome).toMatchObject({ bench: 'train', state: 'cut', results: [] });
    expect(outcome!.notes.join()).toMatch(/CUT, the time was up/);
  }, 120_000);

  it('killed, has left the results of the parts that ended', async () => {
    const out = dir('killed');
    const words = ['--quick', '--model', 'embedded', '--out', out];
    const child = spawn(process.execPath, [bench, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const written = (ending: string) =>
      existsSync(out) && readdirSync(out).find((name) => !name.startsWith('.') && name.endsWith(ending));
    // The Markdown is written after the JSON.
    const watch = setInterval(() => written('.md') && child.kill('SIGKILL'), 5);
    const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)));
    clearInterval(watch);
    expect(signal).toBe('SIGKILL');
    const document = JSON.parse(readFileSync(join(out, String(written('.json'))), 'utf8')) as Document;
    expect(document.outcomes[0]).toMatchObject({ bench: 'train', state: 'done' });
    expect(document.outcomes[0]!.results[0]!.comparisons[0]!.rate.median).toBeGreaterThan(0);
    expect(readFileSync(join(out, String(written('.md'))), 'utf8')).toMatch(/^## train, embedded/m);
    expect(stdout).toMatch(/^train, embedded/m);
    expect(stdout).not.toContain('Last line: JSON.');
  }, 120_000);

  it.each([
    ['an unknown option', ['--fast'], /fast/],
    ['an unknown bench', ['everything'], /everything/],
    ['an unknown model', ['train', '--model', 'large'], /--model .*3\.7M/],
    ['an option of another bench', ['train', '--top-p', '0.9'], /top-p/],
    ['no time', ['--seconds', '0'], /--seconds must be one number, whole, 1 or more/],
    ['a time that is none', ['gpu', '--seconds', 'soon'], /--seconds must be one number/],
    ['two times', ['train', '--seconds', '1', '--seconds', '2'], /--seconds must be one number/],
    ['too little time to begin', ['train', '--seconds', '1'], /--seconds 1: the time was up/],
    ['an unknown model on a GPU', ['gpu', '--model', 'large'], /--model .*355M/],
    ['no threads', ['gemm', '--threads', '0'], /--threads/],
    ['a Python that is none', ['gemm', '--peer-python', './no-python'], /--peer-python .*no PyTorch/],
    ['a text too long for the model', ['train', '--quick', '--length', '500'], /128 positions/],
    [
      'more new tokens than the model has positions',
      ['generate', '--quick', '--new-tokens', '500'],
      /508 .*128 positions/,
    ],
  ])('refuses %s, in one line', (_what, words, message) => {
    const { stdout, stderr, status } = run(...words);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(message);
  });
});
