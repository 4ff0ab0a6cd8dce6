// What `bench gpu` computes and writes: a GPU's peaks, a model's arithmetic, files of results. And the whole of it, with tiny
// amounts, on the emulated kernels: that it ends well and writes nothing. No times are asserted.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bars } from '../../bench/gpu.js';
import { sizesOf } from '../../bench/models.js';
import type { Outcome } from '../../bench/outcome.js';
import { caveatOf, driverIn, type Provenance, shownCommand } from '../../bench/provenance.js';
import type { Gpu } from '../../bench/report.js';
import { freeName, markdown, resultName, resultsDir, writeResults } from '../../bench/results.js';
import {
  datasheetFlops,
  decodeBandwidth,
  decodeBytes,
  flopShares,
  forwardFlops,
  meanContext,
  parameters,
  peakBandwidth,
  peakFlops,
  trainingFlops,
} from '../../bench/roofline.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { buildOnce } from '../helpers/cli.js';
import { buildEmulated } from '../helpers/emulated-cuda.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** As NVIDIA's H100 SXM says of itself; its datasheet counts with 1,830 MHz. */
const h100: Gpu = {
  name: 'NVIDIA H100 80GB HBM3',
  major: 9,
  minor: 0,
  multiprocessors: 132,
  memory: 79.1 * 2 ** 30,
  driver: 12080,
  runtime: 12040,
  clockRate: 1_980_000,
  memoryClockRate: 2_619_000,
  memoryBusWidth: 5120,
  emulated: false,
  blas: 'cuBLASLt 12.4.5',
};

const table = { title: 'T', head: ['', 'x'], rows: [['ours', '1']] };
const trained: Outcome = {
  part: 'train, 124M',
  bench: 'train',
  state: 'done',
  seconds: 1,
  tables: [table],
  notes: ['n'],
  results: [],
};

describe('peaks of a GPU', () => {
  it('are those of the datasheets at their clocks', () => {
    expect(peakFlops({ ...h100, clockRate: 1_830_000 })! / 1e12).toBeCloseTo(989.4, 0);
    expect(peakBandwidth(h100)! / 1e12).toBeCloseTo(3.352, 3);
    const a100 = {
      ...h100,
      major: 8,
      multiprocessors: 108,
      clockRate: 1_410_000,
      memoryClockRate: 1_593_000,
    };
    expect(peakFlops(a100)! / 1e12).toBeCloseTo(312, 0);
    expect(peakBandwidth(a100)! / 1e12).toBeCloseTo(2.04, 2);
  });

  it('and those of the datasheets themselves, by the name', () => {
    const of = (name: string) => (datasheetFlops(name) ?? 0) / 1e12;
    expect(of('NVIDIA H100 80GB HBM3')).toBe(989);
    expect(of('NVIDIA H200')).toBe(989);
    expect(of('NVIDIA H100 PCIe')).toBe(756);
    expect(of('NVIDIA A100-SXM4-40GB')).toBe(312);
    expect(of('NVIDIA GeForce')).toBe(0);
    const shares = flopShares('MFU', () => 4.945e14, h100, null);
    expect(shares.map(({ head, of }) => [head, of({})?.toFixed(2)])).toEqual([
      ['MFU', '0.46'],
      ['MFU, datasheet', '0.50'],
    ]);
  });

  it('are null where they are not known', () => {
    expect(peakFlops({ ...h100, major: 8, minor: 9 })).toBeNull();
    expect(peakFlops({ ...h100, clockRate: 0 })).toBeNull();
    expect(peakBandwidth({ ...h100, memoryClockRate: 0 })).toBeNull();
  });
});

describe('what a model needs', () => {
  const small = sizesOf('124M');

  it.each(['embedded', '124M', '355M'] as const)(
    'counts the parameters of %s, without positions',
    (model) => {
      let all = 0;
      for (const { role, shape } of gpt2Config(sizesOf(model)).parameters)
        if (role !== 'positions.weight') all += shape.reduce((product, n) => product * n, 1);
      expect(parameters(sizesOf(model))).toBe(all);
    },
  );

  it('training takes 6·N + 12·L·H·Q·T', () => {
    expect(parameters(small)).toBe(123_653_376);
    expect(trainingFlops(small, 1024)).toBe(6 * 123_653_376 + 12 * 12 * 12 * 64 * 1024);
  });

  it('logits are counted where there are some', () => {
    const logits = forwardFlops(small, 100, 10) - forwardFlops(small, 100, 0);
    expect(logits).toBe(10 * 2 * 50257 * 768);
  });

  it('a step of decoding reads weights, keys and values', () => {
    expect(decodeBytes(small, 0, 0)).toBe(2 * 123_653_376);
    expect(decodeBytes(small, 64, 128) - decodeBytes(small, 0, 0)).toBe(64 * 128 * 12 * 2 * 768 * 2);
    // 4 steps, over 11 to 14 positions.
    expect(meanContext({ prompts: 2, promptLength: 10, newTokens: 5 })).toBe(12.5);
  });

  it('the prefill is no step of decoding', () => {
    const amount = { prompts: 2, promptLength: 10, newTokens: 5 };
    // 1 s of prefill, 4 steps in 2 s.
    const rates = { prefill: 20, generate: 10 / 3 };
    expect(decodeBandwidth(small, amount, rates)).toBeCloseTo(2 * decodeBytes(small, 2, 12.5), -3);
    // A prefill measured slower than the whole.
    expect(decodeBandwidth(small, amount, { prefill: 1, generate: 10 })).toBeNull();
  });
});

describe('files of results', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bench-results-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const from: Provenance = {
    machine: {
      cpu: 'a CPU',
      cores: 2,
      isa: ['avx2'],
      memoryGiB: 8,
      system: 'linux x64',
      node: 'v20.0.0',
      compiler: null,
    },
    gpu: h100,
    driver: '550.54.15',
    date: '2026-11-24',
    commit: 'abc',
    command: 'npm run bench -- gpu',
    caveat: null,
  };

  it('have the GPU and the date in their names', () => {
    expect(resultName('NVIDIA H100 80GB HBM3', '2026-11-24')).toBe('nvidia-h100-80gb-hbm3-2026-11-24');
    expect(resultName('A/B (C)', '2026-01-02')).toBe('a-b-c-2026-01-02');
  });

  it('say what the numbers are not', () => {
    expect(caveatOf(h100, false)).toBeNull();
    expect(caveatOf(null, false)).toBeNull();
    expect(caveatOf(h100, true)).toMatch(/--quick/);
    expect(caveatOf({ ...h100, emulated: true }, false)).toMatch(/emulated/);
    expect(markdown({ ...from, caveat: 'made up' }, [], undefined)).toContain('**No measurement**: made up.');
  });

  it('say where the numbers come from', () => {
    const text = markdown(from, [trained], { ...table, title: 'bars' });
    for (const part of [
      '# NVIDIA H100 80GB HBM3, 2026-11-24',
      'compute capability 9.0, 79 GiB',
      '132 multiprocessors at up to 1980 MHz, memory at 2619 MHz × 5120 bits',
      '1071 TFLOP/s in bfloat16 (dense), 3.35 TB/s',
      '- driver: 550.54.15, for CUDA 12.8',
      '- CUDA runtime: 12.4',
      '- matrix products: cuBLASLt 12.4.5',
      '- host: a CPU (avx2); 2 logical cores; 8 GiB',
      '- commit: abc',
      '- command: `npm run bench -- gpu`',
      'bars\n\n|  | x |',
      '## train, 124M\n\nT\n\n|  | x |',
      '- n',
    ])
      expect(text).toContain(part);
  });

  it('without a GPU are the CPU’s', () => {
    const text = markdown({ ...from, gpu: null, driver: null }, [{ ...trained, part: 'T' }]);
    expect(text).toContain('# a CPU, 2026-11-24');
    expect(text).not.toMatch(/MFU|driver|CUDA/);
    // The heading is the table's title.
    expect(text).toContain('## T\n\n|  | x |');
  });

  it('replace their own, and not those of an earlier run', async () => {
    const write = (text: string, name: string) => writeResults(dir, name, text, { text });
    const first = freeName(dir, 'gpu');
    await write('first', first);
    await write('first again', first);
    const second = freeName(dir, 'gpu');
    await write('second', second);
    expect(readdirSync(dir).sort()).toEqual(['gpu-2.json', 'gpu-2.md', 'gpu.json', 'gpu.md']);
    expect(readFileSync(join(dir, 'gpu.md'), 'utf8')).toBe('first again');
    expect(JSON.parse(readFileSync(join(dir, 'gpu-2.json'), 'utf8'))).toEqual({ text: 'second' });
  });

  it('leave out paths of the machine', () => {
    const words = ['gpu', '--peer-python', '/home/me/python', '--out=/tmp/x', '--part', 'train'];
    expect(shownCommand(words)).toBe('npm run bench -- gpu --peer-python PYTHON --out=DIR --part train');
  });

  it('find the driver', () => {
    const closed =
      'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\nGCC version:  gcc 12.3.0';
    const open =
      'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder@U16)';
    expect(driverIn(closed)).toBe('535.129.03');
    expect(driverIn(open)).toBe('570.86.15');
    expect(driverIn('something else')).toBeNull();
  });
});

const missing = buildEmulated();
if (missing) console.warn(`bench gpu is not tested emulated: ${missing}`);

describe.skipIf(missing)('npm run bench -- gpu, emulated', () => {
  beforeAll(buildOnce, 120_000);
  const bench = (...words: string[]) =>
    spawnSync(process.execPath, [join(root, 'dist', 'bench', 'main.js'), ...words], {
      encoding: 'utf8',
      env: { ...process.env, ILF_CUDA_EMULATED: '1' },
    });

  it('runs every part, and says in its files that nothing was measured', () => {
    const dir = mkdtempSync(join(tmpdir(), 'bench-gpu-'));
    const kept = readdirSync(resultsDir);
    try {
      const { stdout, stderr, status } = bench('gpu', '--quick', '--out', dir);
      expect(stdout + stderr).not.toContain('FAILED');
      expect(status, stdout + stderr).toBe(0);
      const document = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as {
        outcomes: {
          bench: string;
          results: { shares?: { what: string; share: unknown }[]; contenders?: object[] }[];
        }[];
      };
      const benches = ['parity', 'parity', 'products', 'train', 'generate', 'generate', 'kl'];
      expect(document.outcomes.map((outcome) => outcome.bench)).toEqual(benches);
      for (const { results } of document.outcomes.slice(3))
        for (const { shares, contenders } of results) {
          expect(contenders![0]).toMatchObject({ name: 'ours', peakGpuMiB: expect.any(Number) });
          // An emulation has no peaks.
          const known = ['of products’ rate', 'time of KL ÷ 2 forward'];
          for (const { what, share } of shares!) if (!known.includes(what)) expect(share).toBeNull();
        }
      const [json, text] = readdirSync(dir).sort();
      expect(JSON.parse(readFileSync(join(dir, json!), 'utf8'))).toMatchObject({
        outcomes: document.outcomes,
      });
      expect(readFileSync(join(dir, text!), 'utf8')).toMatch(/\*\*No measurement\*\*: .*emulated/);
      expect(readdirSync(resultsDir)).toEqual(kept);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }, 240_000);
});

describe.skipIf(missing)('npm run bench -- parity, on emulated kernels that fail', () => {
  beforeAll(buildOnce, 120_000);
  const out = mkdtempSync(join(tmpdir(), 'bench-parity-'));
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  it.each([
    ['ILF_EMULATED_FAULT', 'gluForward: CUDA: launching a kernel: an illegal memory access was encountered'],
    ['ILF_EMULATED_CRASH', 'its process ended: SIGABRT'],
  ])(
    'names what %s breaks, and runs the rest',
    (variable, error) => {
      const words = ['parity', '--engine', 'cuda', '--precision', 'float32', '--out', out];
      const { stdout, status } = spawnSync(
        process.execPath,
        [join(root, 'dist', 'bench', 'main.js'), ...words],
        {
          encoding: 'utf8',
          env: { ...process.env, ILF_CUDA_EMULATED: '1', [variable]: 'gluForward' },
        },
      );
      expect(status).toBe(1);
      const [outcome] = (
        JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as {
          outcomes: {
            state: string;
            results: { checks: { name: string; ok: boolean; error?: string }[] }[];
          }[];
        }
      ).outcomes;
      expect(outcome!.state).toBe('failed');
      const { checks } = outcome!.results[0]!;
      const failed = checks.filter(({ ok }) => !ok);
      expect(failed.map(({ name }) => name)).toEqual(['glu with silu', 'glu with gelu']);
      for (const check of failed) expect(check.error).toBe(error);
      // Behind them, the sampler in four combinations.
      expect(checks.findIndex(({ ok }) => !ok)).toBeLessThan(checks.length - 10);
      expect(checks.filter(({ name }) => /^sampler, ILF_CUDA_OVERLAP o/.test(name))).toHaveLength(4);
      expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
    },
    240_000,
  );
});

describe('bars', () => {
  const result = (amount: object, shares: object[], comparisons: object[]) => ({
    model: '124M',
    amount,
    shares,
    comparisons,
  });
  const ratio = (what: string, contender: string, median: number) => ({ what, contender, ratio: { median } });

  it('are what has been measured so far', () => {
    const measured = (outcomes: Outcome[]) =>
      bars(outcomes).results.map((row) => (row as { measured: number | null }).measured);
    expect(measured([])).toEqual([null, null, null]);
    const mfu = (share: number) => [{ contender: 'ours', what: 'MFU', share }];
    const alone = { ...trained, results: [result({}, mfu(0.4), [])] };
    expect(measured([alone])).toEqual([0.4, null, null]);
    const both = [ratio('train', 'PyTorch 2', 1.2), ratio('train', 'PyTorch 1', 1.5)];
    const beside = { ...trained, results: [result({}, mfu(0.5), both)] };
    const decoded = (prompts: number, median: number) =>
      result({ prompts }, [], [ratio('generate', 'Hugging Face generate, PyTorch 2', median)]);
    const generated = { ...trained, bench: 'generate', results: [decoded(64, 5), decoded(512, 3)] };
    expect(measured([alone, beside, generated])).toEqual([0.5, 1.2, 5]);
  });
});

describe('npm run bench -- parity', () => {
  beforeAll(buildOnce, 120_000);

  it('prints every check, and JSON last', () => {
    const kept = readdirSync(resultsDir);
    const words = [join(root, 'dist', 'bench', 'main.js'), 'parity', '--engine', 'cpu'];
    const { stdout, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    expect(status, stdout).toBe(0);
    expect(readdirSync(resultsDir)).toEqual(kept);
    const lines = stdout.trimEnd().split('\n');
    const [outcome] = (
      JSON.parse(lines.at(-1)!) as {
        outcomes: { results: { checks: { name: string; difference: number; tolerance: number }[] }[] }[];
      }
    ).outcomes;
    const { checks } = outcome!.results[0]!;
    expect(checks.length).toBeGreaterThan(15);
    for (const { name, difference, tolerance } of checks) {
      expect(difference).toBeLessThanOrEqual(tolerance);
      expect(lines.some((line) => line.startsWith(`${name} `) && line.endsWith('yes'))).toBe(true);
    }
  }, 60_000);
});
