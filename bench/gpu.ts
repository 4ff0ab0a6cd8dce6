/**
 * bench gpu: everything about ours on an NVIDIA GPU in one run, beside PyTorch on the same GPU: parity, training, decoding, KL,
 * and how far from what the GPU can do. Leaves out the order, and what becomes of parts that fail or are late (parts.ts).
 */

import { OURS, ours, runChild } from './child.js';
import { type GenerateGiven, generate, HUGGING_FACE } from './generate.js';
import { kl } from './kl.js';
import type { ModelName } from './models.js';
import { commonOptions, type Given, modelOption, peerOptions, settings, several } from './options.js';
import type { Outcome } from './outcome.js';
import { parity } from './parity.js';
import type { Part } from './parts.js';
import type { Peer } from './peers.js';
import { type Gpu, shapeKey } from './report.js';
import { peakFlops } from './roofline.js';
import { median } from './stats.js';
import { type BenchTable, number, percent } from './table.js';
import { train } from './train.js';
import type { ModelResult } from './versus.js';

const PARTS = ['parity', 'products', 'train', 'generate', 'kl'] as const;

const { quick, repetitions, seconds, markdown, out } = commonOptions;
export const gpuOptions = {
  quick,
  repetitions,
  seconds,
  markdown,
  out,
  ...modelOption,
  ...peerOptions,
  part: several('part', PARTS, `Only ${PARTS.join(', ')}`),
};

export interface GpuGiven extends Given {
  part?: (typeof PARTS)[number][] | undefined;
}

/** FLOP/s of a large product of two matrices in bfloat16, by the library that ours uses: what can be reached. */
function products(given: GpuGiven, gpu: Gpu, reached: (flops: number) => void): Part {
  const { engine, threads, quick, budget } = settings(given);
  const N = quick ? 64 : 8192;
  const shape = { M: N, N, K: N, transA: true, transB: false };
  const amount = quick ? { seconds: 0, least: 1 } : { seconds: 2, least: 10 };
  const common = { engine, threads, precision: 'bfloat16' as const };
  return {
    name: 'products, bfloat16',
    bench: 'products',
    model: null,
    beside: false,
    least: quick ? 1 : 4,
    run: async (outcome) => {
      const report = await runChild(ours({ work: 'gemm', ...common, amount, shapes: [shape] }), budget);
      const flops = 1e9 * median(report.rates[shapeKey(shape)]!);
      const peak = peakFlops(gpu);
      reached(flops);
      outcome.tables.push({
        title: 'the rate of one large product, bfloat16',
        head: ['M × N × K', 'TFLOP/s', 'of the peak'],
        rows: [[`${N} × ${N} × ${N}`, number(flops / 1e12), peak ? percent(flops / peak) : 'peak not known']],
      });
      outcome.results.push({ shape, flops, peak });
    },
  };
}

/** Prompts decoded together; those that a bar is about first. */
const BATCHES = [64, 1, 512];

/** What the project promises of GPT-2 124M on a Hopper GPU, and what has come out so far. */
export function bars(outcomes: readonly Outcome[]): { table: BenchTable; results: object[] } {
  const resultsOf = (bench: string) =>
    outcomes
      .filter((outcome) => outcome.bench === bench)
      .flatMap(({ results }) => results as ModelResult[])
      .filter(({ model }) => model === '124M');
  const trained = resultsOf('train');
  const decoded = resultsOf('generate').filter(({ amount }) => 'prompts' in amount && amount.prompts === 64);
  // The last is the one beside peers, of more rounds.
  const mfu =
    trained.at(-1)?.shares.find(({ contender, what }) => contender === OURS && what === 'MFU')?.share ?? null;
  const against = (results: ModelResult[], what: string, name: string): number | null => {
    const all = results
      .flatMap(({ comparisons }) => comparisons)
      .filter((c) => c.what === what && c.ratio !== null && c.contender.startsWith(name));
    return all.length > 0 ? Math.min(...all.map((c) => c.ratio!.median)) : null;
  };
  const rows: [name: string, bar: number, measured: number | null, form: (x: number) => string][] = [
    ['training GPT-2 124M, MFU', 0.45, mfu, percent],
    ['training GPT-2 124M ÷ PyTorch', 1, against(trained, 'train', 'PyTorch'), (x) => `${x.toFixed(2)}×`],
    [
      `decoding 64 rows ÷ ${HUGGING_FACE}`,
      4,
      against(decoded, 'generate', HUGGING_FACE),
      (x) => `${x.toFixed(2)}×`,
    ],
  ];
  return {
    table: {
      title: 'bars for a Hopper GPU',
      head: ['', 'at least', 'measured', 'met'],
      rows: rows.map(([name, bar, measured, form]) => [
        name,
        form(bar),
        measured === null ? 'not measured' : form(measured),
        measured === null ? '' : measured >= bar ? 'yes' : 'NO',
      ]),
    },
    results: rows.map(([name, bar, measured]) => ({ name, bar, measured })),
  };
}

/** Those that were asked for. The second model is trained only, unless models were named. */
export function gpuParts(given: GpuGiven, peers: readonly Peer[], gpu: Gpu): Part[] {
  const models = (...names: ModelName[]): Given => ({
    ...given,
    model: given.model ?? (given.quick ? ['embedded'] : names),
  });
  let achieved: number | null = null;
  const parts = [
    ...parity({ ...given, precision: ['float32', 'bfloat16'] }),
    products(given, gpu, (flops) => {
      achieved = flops;
    }),
    ...train(models('124M', '355M'), peers, () => achieved),
    ...(given.quick ? [3, 1] : BATCHES).flatMap((prompts) =>
      generate({ ...models('124M'), prompts } as GenerateGiven, peers),
    ),
    ...kl(models('124M'), peers, () => achieved),
  ];
  return parts.filter(({ bench }) => given.part?.some((part) => part === bench) ?? true);
}
