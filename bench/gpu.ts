/**
 * bench gpu: everything about ours on an NVIDIA GPU in one run, beside PyTorch on the same GPU: parity, training, decoding, KL,
 * and how far from what the GPU can do. A part that fails is said to have failed, and the others go on: time on a GPU is dear.
 */
import { resolve } from 'node:path';
import { UserError } from '../src/store/errors.js';
import { ChildError, checkOurs, OURS, ours, runChild } from './child.js';
import { generate, HUGGING_FACE } from './generate.js';
import { kl } from './kl.js';
import type { ModelName } from './models.js';
import { commonOptions, type Given, peerOptions, settings, several } from './options.js';
import type { Outcome } from './outcome.js';
import { parity } from './parity.js';
import { type Gpu, shapeKey } from './report.js';
import { resultsDir } from './results.js';
import { peakFlops } from './roofline.js';
import { median } from './stats.js';
import { number, percent } from './table.js';
import { train } from './train.js';
import type { ModelResult } from './versus.js';

const PARTS = ['parity', 'products', 'train', 'generate', 'kl'] as const;
type Part = (typeof PARTS)[number];

const { quick, repetitions, markdown } = commonOptions;
export const gpuOptions = {
  quick,
  repetitions,
  markdown,
  ...peerOptions,
  part: several('part', PARTS, `Only ${PARTS.join(', ')}`),
  out: {
    type: 'string' as const,
    requiresArg: true,
    description: 'Folder for the results',
    defaultDescription: 'bench/results',
    coerce: (dir: unknown): string => (dir === undefined ? resultsDir : resolve(String(dir))),
  },
};

export interface GpuGiven extends Given {
  part?: Part[] | undefined;
  out?: string | undefined;
}

const onCuda = (given: GpuGiven): Given => ({ ...given, engine: 'cuda', precision: ['bfloat16'] });

/** The GPU that ours would run on. @throws UserError where there is none */
export async function findGpu(given: GpuGiven): Promise<Gpu> {
  const { engine, threads } = settings(onCuda(given));
  return (await checkOurs({ work: 'check', engine, threads, precision: 'bfloat16' })).gpu!;
}

/** FLOP/s of a large product of two matrices in bfloat16, by the library that ours uses: what can be reached. */
async function products(given: GpuGiven, gpu: Gpu, reached: (flops: number) => void): Promise<Outcome> {
  const { engine, threads, quick } = settings(onCuda(given));
  const N = quick ? 64 : 8192;
  const shape = { M: N, N, K: N, transA: true, transB: false };
  const amount = quick ? { seconds: 0, least: 1 } : { seconds: 2, least: 10 };
  const job = {
    work: 'gemm' as const,
    engine,
    threads,
    precision: 'bfloat16' as const,
    amount,
    shapes: [shape],
  };
  const report = await runChild(ours(job));
  const gflops = median(report.rates[shapeKey(shape)]!);
  const peak = peakFlops(gpu);
  reached(gflops * 1e9);
  return {
    bench: 'products',
    tables: [
      {
        title: 'the rate of one large product, bfloat16',
        head: ['M × N × K', 'TFLOP/s', 'of the peak'],
        rows: [
          [
            `${N} × ${N} × ${N}`,
            number(gflops / 1000),
            peak ? percent((gflops * 1e9) / peak) : 'peak not known',
          ],
        ],
      },
    ],
    notes: [],
    results: [{ shape, flops: gflops * 1e9, peak }],
  };
}

/** Several outcomes of one bench as one. */
const together = (bench: string, all: readonly Outcome[]): Outcome => ({
  bench,
  tables: all.flatMap(({ tables }) => tables),
  notes: [...new Set(all.flatMap(({ notes }) => notes))],
  results: all.flatMap(({ results }) => results),
});

/** Prompts decoded together. */
const BATCHES = [1, 64, 512];

/** What the project promises on a Hopper GPU, and what came out.  */
function bars(trained: readonly ModelResult[], generated: readonly ModelResult[]): Outcome {
  const small = trained.find(({ model }) => model === '124M');
  const decoded = generated.find(({ amount }) => 'prompts' in amount && amount.prompts === 64);
  const mfu =
    small?.shares.find(({ contender, what }) => contender === OURS && what === 'MFU')?.share ?? null;
  const against = (result: ModelResult | undefined, what: string, name: string): number | null => {
    const all = result?.comparisons.filter(
      (c) => c.what === what && c.ratio !== null && c.contender.startsWith(name),
    );
    return all?.length ? Math.min(...all.map((c) => c.ratio!.median)) : null;
  };
  const rows: [name: string, bar: number, measured: number | null, form: (x: number) => string][] = [
    ['training GPT-2 124M, MFU', 0.45, mfu, percent],
    ['training GPT-2 124M ÷ PyTorch', 1, against(small, 'train', 'PyTorch'), (x) => `${x.toFixed(2)}×`],
    [
      `decoding 64 rows ÷ ${HUGGING_FACE}`,
      4,
      against(decoded, 'generate', HUGGING_FACE),
      (x) => `${x.toFixed(2)}×`,
    ],
  ];
  return {
    bench: 'bars',
    tables: [
      {
        title: 'bars for a Hopper GPU',
        head: ['', 'at least', 'measured', 'met'],
        rows: rows.map(([name, bar, measured, form]) => [
          name,
          form(bar),
          measured === null ? 'not measured' : form(measured),
          measured === null ? '' : measured >= bar ? 'yes' : 'NO',
        ]),
      },
    ],
    notes: [],
    results: rows.map(([name, bar, measured]) => ({ name, bar, measured })),
  };
}

/** The parts in their order, to be run one after another. */
export function gpuParts(given: GpuGiven, gpu: Gpu): (() => Promise<Outcome>)[] {
  const quick = given.quick ?? false;
  const base = onCuda(given);
  const models = (...names: ModelName[]): Given => ({ ...base, model: quick ? ['embedded'] : names });
  let achieved: number | null = null;
  let trained: ModelResult[] = [];
  let generated: ModelResult[] = [];
  const run: Record<Part, () => Promise<Outcome>> = {
    parity: () => parity({ ...base, precision: ['float32', 'bfloat16'] }),
    products: () =>
      products(given, gpu, (flops) => {
        achieved = flops;
      }),
    train: async () => {
      const outcome = await train(models('124M', '355M'), achieved);
      trained = outcome.results as ModelResult[];
      return outcome;
    },
    generate: async () => {
      const all: Outcome[] = [];
      for (const prompts of quick ? [1, 3] : BATCHES)
        all.push(await generate({ ...models('124M'), prompts } as Given));
      const outcome = together('generate', all);
      generated = outcome.results as ModelResult[];
      return outcome;
    },
    kl: () => kl(models('124M'), achieved),
  };
  const chosen = PARTS.filter((part) => given.part?.includes(part) ?? true);
  const parts = chosen.map((part) => async (): Promise<Outcome> => {
    try {
      return await run[part]();
    } catch (error) {
      if (!(error instanceof UserError || error instanceof ChildError)) throw error;
      return {
        bench: part,
        tables: [],
        notes: [`${part} FAILED: ${error.message}`],
        results: [],
        failed: true,
      };
    }
  });
  return quick ? parts : [...parts, async () => bars(trained, generated)];
}
