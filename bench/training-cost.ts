/**
 * What a training step on CUDA is made of, kernel by kernel, as arithmetic for an H100 SXM: nothing here is measured. The table of
 * ROOFLINE.md; `before` is what the engine did until November 2026. Activations are bfloat16.
 *
 * Dimension letters as in src/lm: M rows (tokens), D width, V vocabulary, L layers.
 */
import type { Gpt2Sizes } from '../src/lm/architectures/gpt2.js';
import { trainingFlops } from './roofline.js';
import type { BenchTable } from './table.js';

/** Of NVIDIA's datasheet, dense bfloat16; and what is assumed to be reached of both: by large products, by passes over memory. */
const PEAK_FLOPS = 989.4e12;
const PEAK_BYTES = 3.35e12;
const PRODUCTS = 0.6;
const MEMORY = 0.9;
const MULTIPROCESSORS = 132;
/** Of a product's result, which a multiprocessor computes at a time: what cuBLASLt takes on Hopper for large ones. */
const TILE = [128, 256] as const;

export interface Cost {
  name: string;
  launches: number;
  flops: number;
  bytes: number;
  boundBy: 'products' | 'memory' | 'latency';
  ms: number;
}

const inMemory = (name: string, launches: number, bytes: number): Cost => ({
  ...{ name, launches, flops: 0, bytes },
  boundBy: 'memory',
  ms: (1000 * bytes) / (PEAK_BYTES * MEMORY),
});

/** Products of `flops` in all, of which the multiprocessors have work for this share of the time. */
const ofProducts = (name: string, launches: number, flops: number, bytes: number, busy = 1): Cost => ({
  ...{ name, launches, flops, bytes },
  boundBy: 'products',
  ms: (1000 * flops) / (PEAK_FLOPS * PRODUCTS * busy),
});

/** Of the multiprocessors' time, in waves of a tile each. */
export function busyShare(rows: number, columns: number): number {
  const tiles = Math.ceil(rows / TILE[0]) * Math.ceil(columns / TILE[1]);
  return tiles / (Math.ceil(tiles / MULTIPROCESSORS) * MULTIPROCESSORS);
}

/** Rows of logits in a chunk, as in kernels/cuda/vocabulary.h. */
export function chunkRows(M: number, V: number, bytes: number): number {
  const least = 128;
  const ld = Math.ceil(V / 64) * 64;
  const most = Math.max(least, Math.floor(bytes / 4 / ld / least) * least);
  const chunks = Math.ceil(M / most);
  return chunks <= 1 ? M : Math.ceil(Math.ceil(M / chunks) / least) * least;
}

/** Without attention itself, which has a section of its own, and what the host is waited for. */
export function trainingCosts(sizes: Gpt2Sizes, M: number, isBefore: boolean): Cost[] {
  const { n_layer: L, n_embd: D, vocab_size: V, n_positions: P } = sizes;
  const layerWeights = 12 * D * D * L;
  const all = layerWeights + 13 * D * L + 2 * D + V * D + P * D;
  const array = 2 * M * D; // bytes of activations of width D
  const ld = Math.ceil(V / 64) * 64;
  const rows = chunkRows(M, V, isBefore ? 512 * 2 ** 20 : 2.25 * 2 ** 30);
  const chunks = Math.ceil(M / rows);
  const head = 2 * M * V * D;
  return [
    ofProducts('products of the layers', 12 * L, 6 * M * layerWeights, 0),
    ofProducts('logits', chunks, head, 4 * M * ld),
    ofProducts('hidden states’ gradient from logits’', chunks, head, 2 * M * ld, busyShare(rows, D)),
    ofProducts('token embedding’s gradient from logits’', chunks, head, 2 * M * ld),
    inMemory('the latter’s sums over chunks; its weights read', 0, chunks * (8 + 4) * V * D),
    inMemory('losses, and gradients in the logits’ place', chunks, M * (4 + 2) * ld),
    inMemory('norms', 2 * L + 1, (2 * L + 1) * 2 * array),
    inMemory(
      'norms’ gradients, with their last sums',
      2 * (2 * L + 1),
      (2 * L + 1) * 3 * array + (isBefore ? 0 : 2 * L * array),
    ),
    inMemory('sums of residual gradients', isBefore ? 2 * L : 0, isBefore ? 2 * L * 3 * array : 0),
    // qkv is three wide, out and down one; GELU reads its input and its gradient, four wide each, and writes as much.
    inMemory('biases’ and GELU’s gradients', 4 * L, L * (3 + 1 + 1 + 12) * array),
    { ...inMemory('their last sums', 4 * L, 0), boundBy: 'latency', ms: 4 * L * (isBefore ? 0.025 : 0.003) },
    inMemory('weights rounded, twice in layers', 8 * L + 1, 6 * (2 * layerWeights + V * D)),
    // Tokens' rows are read as floats; the gradient is read for tokens and for positions, and added to rows of floats.
    inMemory('embeddings and their gradients', 6, 3 * array + 2 * array + 8 * D * Math.min(M, V)),
    inMemory('gradients’ norm, AdamW, finite weights', isBefore ? 5 : 4, (4 + 28 + (isBefore ? 4 : 0)) * all),
  ];
}

const billions = (x: number) => (x === 0 ? '' : (x / 1e9).toFixed(x < 1e11 ? 1 : 0));
const trillions = (x: number) => (x === 0 ? '' : (x / 1e12).toFixed(1));

/** ms that this arithmetic does not give: attention's, estimated by themselves, and the GPU's without work. */
export const OTHERS = [
  { name: 'attention', before: 31, after: 11 },
  { name: 'waiting for the host', before: 7, after: 1.5 },
];

/** Of both, and their sums. */
export function costTable(
  sizes: Gpt2Sizes,
  [sequences, length]: readonly [number, number],
  others = OTHERS,
): BenchTable {
  const M = sequences * length;
  const [before, after] = [true, false].map((isBefore) => trainingCosts(sizes, M, isBefore)) as [
    Cost[],
    Cost[],
  ];
  const cells = ({ launches, bytes, ms }: Cost) => [String(launches), billions(bytes), ms.toFixed(1)];
  const sum = (costs: Cost[], of: 'before' | 'after') =>
    costs.reduce((ms, cost) => ms + cost.ms, 0) + others.reduce((ms, other) => ms + other[of], 0);
  const [msBefore, msAfter] = [sum(before, 'before'), sum(after, 'after')];
  const needed = trainingFlops(sizes, length) * M;
  const mfu = (ms: number) => `${((100 * needed) / (ms / 1000) / PEAK_FLOPS).toFixed(0)} %`;
  const rate = (ms: number) => `${Math.round(M / ms)},000`;
  return {
    title: `${sequences} × ${length} tokens of a GPT-2 of ${sizes.n_layer} layers and ${sizes.n_embd} wide; estimates`,
    head: ['', 'bound by', 'TFLOP', 'before: launches', 'GB', 'ms', 'now: launches', 'GB', 'ms'],
    rows: [
      ...before.map((cost, i) => [
        ...[cost.name, cost.boundBy, trillions(cost.flops)],
        ...[...cells(cost), ...cells(after[i]!)],
      ]),
      ...others.map(({ name, ...of }) => [
        ...[name, '', '', '', '', of.before.toFixed(1)],
        ...['', '', of.after.toFixed(1)],
      ]),
      ['sum', '', '', '', '', msBefore.toFixed(0), '', '', msAfter.toFixed(0)],
      ['tokens a second', '', '', '', '', rate(msBefore), '', '', rate(msAfter)],
      ['MFU', '', '', '', '', mfu(msBefore), '', '', mfu(msAfter)],
    ],
  };
}
