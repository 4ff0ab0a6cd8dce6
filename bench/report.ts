/** What is measured: what a child process prints about its run, and what it was asked to do (ours only). */
import type { Drawn as OfDraw } from '../src/doctor/gpu/draw.js';
import type { CudaDevice } from '../src/engine/engines/cuda/memory.js';
import type { EngineName, Precision } from '../src/engine/index.js';
import type { Gpt2Sizes } from '../src/lm/architectures/gpt2.js';

/** The GPU that computed. */
export interface Gpu extends CudaDevice {
  /** What multiplies matrices: cuBLASLt's version, or kernels of ours. */
  blas: string;
}

/** One check of parity (tests/engine/parity.ts). */
export interface Checked {
  name: string;
  /** The largest relative difference; null where it is not finite, or the check failed otherwise. */
  difference: number | null;
  tolerance: number;
  ok: boolean;
  error?: string;
}

/** The last line that a child prints, ours and the peers' alike. */
export interface Report {
  /** Who computed, in its own words: "cpu (native avx512, 2 threads)", "PyTorch 2.13.0". */
  subject: string;
  /** By what was timed, a rate for each repetition after warm-up: tokens or GFLOP per second. */
  rates: Record<string, number[]>;
  /** Median share of the wall clock inside native kernels; absent where the engine does not say. */
  kernelShare?: Record<string, number>;
  /** Peak resident memory of the child, MiB. */
  peakRssMiB: number;
  /** The most memory of the GPU that arrays took at once, MiB. */
  peakGpuMiB?: number;
  /** What ours ran on. */
  gpu?: Gpu;
  parameters?: number;
  /** Of the job `parity`: the GPU's context is lost, and with it the checks after the last that was told. */
  lost?: true;
  /** Of the job `draw`. */
  drawn?: Drawn;
}

/** What the sampler drew, and how far its log-probabilities may be from those of a second pass. */
export interface Drawn extends Omit<OfDraw, 'difference'> {
  /** null where it is not finite. */
  difference: number | null;
  tolerance: number;
}

/** What the job `parity` prints, a line each, before its report: a process that breaks has told how far it came. */
export type ParityNews = { begins: Pick<Checked, 'name' | 'tolerance'> } | { checked: Checked };

/** op(a)[M,K] · op(b)[K,N]; a is stored [K,M] if transA, b [N,K] if transB. */
export interface Shape {
  M: number;
  N: number;
  K: number;
  transA: boolean;
  transB: boolean;
}

/** "M,N,K,transA,transB": how a shape is named on the peers' command lines and in a report's rates. */
export const shapeKey = ({ M, N, K, transA, transB }: Shape): string =>
  [M, N, K, Number(transA), Number(transB)].join();

interface Common {
  engine: EngineName | undefined;
  threads: number;
  precision: Precision;
}

export interface Repetitions {
  warmUp: number;
  steps: number;
}

export interface TrainAmount extends Repetitions {
  /** Of one optimizer step: sequences × tokens. */
  sequences: number;
  length: number;
  /** Sequences computed at once; gradients of such parts are added up. */
  micro: number;
}

export interface GenerateAmount extends Repetitions {
  prompts: number;
  promptLength: number;
  newTokens: number;
  topP: number;
}

export interface KlAmount extends Repetitions {
  sequences: number;
  promptLength: number;
  /** Tokens of each completion: only they are scored. */
  completionLength: number;
  /** Texts computed at once. */
  micro: number;
}

/** Each product runs once to warm up, then `least` times, and on until `seconds` have passed. */
export interface GemmAmount {
  seconds: number;
  least: number;
}

/** `check` only opens the engine. */
export type Job =
  | (Common & { work: 'check' })
  /** Without the first `from` checks. */
  | (Common & { work: 'parity'; from?: number })
  | (Common & { work: 'draw' })
  | (Common & { work: 'gemm'; shapes: Shape[]; amount: GemmAmount; tfjsNode?: string })
  | (Common & { work: 'train'; sizes: Gpt2Sizes; amount: TrainAmount })
  | (Common & { work: 'generate'; sizes: Gpt2Sizes; amount: GenerateAmount })
  | (Common & { work: 'kl'; sizes: Gpt2Sizes; amount: KlAmount });
