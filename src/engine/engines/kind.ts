/** What each engine says of itself: src/engine/index.ts starts them by this, and `doctor` prints it. */
import type { Precision } from '../backend.js';
import type { Native } from '../native.js';

export const ENGINES = ['cpu', 'wasm', 'cuda', 'tensorflow', 'webgpu'] as const;
export type EngineName = (typeof ENGINES)[number];

/** Engines that may have a GPU, in the order in which --gpu tries them; some may not be in this version. */
export const GPU_ORDER: readonly string[] = ['cuda', 'tensorflow', 'webgpu'];

/** Threads that an engine may be told to take at most: more than any machine has are a mistake. */
export const MOST_THREADS = 1024;
export const isThreads = (n: number): boolean => Number.isInteger(n) && n >= 1 && n <= MOST_THREADS;

export interface Engine {
  readonly name: EngineName;
  readonly precision: Precision;
  /** The addon's functions; null where the fused operations are compositions. */
  readonly native: Native | null;
  /** One line for people: what computes, with how many threads. */
  describe(): string;
}

/** One thing that an engine cannot do without. */
export interface Need {
  /** As in "CUDA driver". */
  what: string;
  /** What was found, with its version; null where it is missing. */
  found: string | null;
  /** What was looked for, and what to do, where it is missing. */
  advice: string;
}

export interface EngineKind {
  readonly name: EngineName;
  /** What it can compute in; the first is its default. */
  readonly precisions: readonly [Precision, ...Precision[]];
  /** It computes with as many threads as it is told; without, the number is its own affair. */
  readonly takesThreads?: true;
  /** What it needs and what of that is here. Looks only; never throws. */
  needs(): Promise<Need[]>;
  /**
   * The GPU that it would compute on: engines that may have one. Asked where `needs` are all found; looks only, never
   * throws. `--gpu` takes an engine where this is found.
   */
  gpu?(): Promise<Need>;
  /**
   * Makes it tfjs' current backend; may be called again.
   * @throws UserError where it does not start
   */
  start(precision: Precision, threads?: number): Promise<Engine>;
}

/** The first that is missing. */
export const missingOf = (needs: readonly Need[]): Need | undefined =>
  needs.find((need) => need.found === null);
