/**
 * How near to a GPU's limits: its peaks from its properties, the arithmetic that a model needs, the bytes that decoding must
 * read. Rates times the latter over the former are the shares in the tables.
 *
 * Arithmetic is counted as in appendix B of PaLM (Chowdhery et al. 2022): a multiplication and an addition are two FLOPs, a
 * token takes 2 for each parameter forward and twice as many backward, and attention's two products 4·L·H·Q·T forward, as
 * if there were no causal mask (half of which is not computed). N counts the token embedding, which is the output's matrix,
 * too, but not the positions', which nothing is multiplied by. What is computed again or on padding does not count.
 */
import type { CudaDevice } from '../src/engine/engines/cuda/memory.js';
import type { Gpt2Sizes } from '../src/lm/architectures/gpt2.js';
import type { Share } from './outcome.js';

export type Clocked = Pick<
  CudaDevice,
  'major' | 'minor' | 'multiprocessors' | 'clockRate' | 'memoryClockRate' | 'memoryBusWidth'
>;

/** FLOPs of dense bfloat16 products with float32 sums, of a multiprocessor and cycle, by compute capability. */
const FLOPS_A_CYCLE: Readonly<Record<string, number>> = { '8.0': 2048, '9.0': 4096, '10.0': 8192 };

/** Dense bfloat16 FLOP/s at the highest clock; null where it is not known. */
export function peakFlops({ major, minor, multiprocessors, clockRate }: Clocked): number | null {
  const cycle = FLOPS_A_CYCLE[`${major}.${minor}`];
  return cycle && clockRate > 0 ? multiprocessors * clockRate * 1000 * cycle : null;
}

/** As datasheets have it, of boards whose clocks there differ from the highest that they report: dense bfloat16 TFLOP/s. */
const DATASHEETS: readonly [name: RegExp, teraflops: number][] = [
  [/\bH100 PCIe\b/, 756],
  [/\bH100 NVL\b/, 835],
  [/\b(H100|H200|GH200)\b/, 989],
  [/\bA100\b/, 312],
  [/\bL40S\b/, 362],
];

/** The same as its datasheet has it; null where that is not known here. */
export function datasheetFlops(name: string): number | null {
  const found = DATASHEETS.find(([board]) => board.test(name));
  return found ? found[1] * 1e12 : null;
}

/** Bytes per second from the GPU's memory, at two transfers a clock; null where it is not known. */
export function peakBandwidth({ memoryClockRate, memoryBusWidth }: Clocked): number | null {
  const bytes = (2 * memoryClockRate * 1000 * memoryBusWidth) / 8;
  return bytes > 0 ? bytes : null;
}

/** N: every parameter but the positions'. */
export function parameters({ n_layer: L, n_embd: D, vocab_size: V }: Gpt2Sizes): number {
  const layer = 12 * D * D + 13 * D; // four matrices with biases, two norms
  return L * layer + 2 * D + V * D;
}

/** FLOPs of a forward pass over a text of T tokens, with logits at `scored` of them (all, if not given). */
export function forwardFlops(sizes: Gpt2Sizes, T: number, scored = T): number {
  const { n_layer: L, n_embd: D, vocab_size: V } = sizes;
  const attention = 4 * L * D * T; // H·Q is D
  return T * (2 * (parameters(sizes) - V * D) + attention) + scored * 2 * V * D;
}

/** 6·N + 12·L·H·Q·T: FLOPs of a token in training on texts of T. */
export const trainingFlops = (sizes: Gpt2Sizes, T: number): number => (3 * forwardFlops(sizes, T)) / T;

/**
 * Arithmetic of some rates, in FLOP/s, as shares of the peak at the highest clock, of the datasheet's (lower clocks: a larger share), and
 * of what products reach where that was measured.
 */
export function flopShares(
  head: string,
  flops: (rates: Record<string, number>) => number,
  gpu: Clocked & { name: string },
  achieved: number | null,
): Share[] {
  const share = (head: string, most: number | null): Share => ({
    head,
    of: (rates) => most && flops(rates) / most,
  });
  return [
    share(head, peakFlops(gpu)),
    share(`${head}, datasheet`, datasheetFlops(gpu.name)),
    ...(achieved ? [share('of products’ rate', achieved)] : []),
  ];
}

/**
 * Bytes that a step of decoding must read in bfloat16: every weight once, and keys and values of every row.
 * context: positions that a row attends to.
 */
export function decodeBytes(sizes: Gpt2Sizes, rows: number, context: number): number {
  return 2 * parameters(sizes) + rows * context * sizes.n_layer * 2 * sizes.n_embd * 2;
}

interface Decoded {
  prompts: number;
  promptLength: number;
  newTokens: number;
}

/** Positions that a row attends to, on average over the steps after the prefill: the i-th reads the prompt and i new tokens. */
export const meanContext = ({ promptLength, newTokens }: Decoded): number => promptLength + newTokens / 2;

/** Rates in tokens per second: new ones, prefill included, and the prompts' ones of the prefill alone. */
export interface DecodeRates {
  generate: number;
  prefill: number;
}

/** Bytes per second that decoding must have read; the prefill gives each row's first new token. */
export function decodeBandwidth(sizes: Gpt2Sizes, amount: Decoded, rates: DecodeRates): number | null {
  const { prompts, promptLength, newTokens } = amount;
  const prefill = (prompts * promptLength) / rates.prefill;
  const seconds = (prompts * newTokens) / rates.generate - prefill;
  const steps = newTokens - 1;
  const bytes = decodeBytes(sizes, prompts, meanContext(amount));
  return seconds > 0 && steps > 0 ? (bytes * steps) / seconds : null;
}
