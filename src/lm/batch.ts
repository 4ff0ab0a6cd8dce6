/**
 * From examples to rectangles of tokens. An optimizer step takes examples in random order; within the step
 * they are sorted by length and cut into rectangles, so that little is spent on padding and no step is
 * special in its lengths.
 */
import { permutation, randomStream } from './random.js';

/**
 * A text with loss weights: weights[t] weighs the loss of predicting ids[t] from ids[<t]; weights[0] is
 * ignored.
 */
export interface Example {
  ids: readonly number[];
  weights: readonly number[];
}

/**
 * Right-padded rectangle of inputs: row m = b·T + t predicts labels[m]; label −1 and weight 0 where there is
 * no loss.
 */
export interface Batch {
  B: number;
  T: number;
  ids: Int32Array;
  labels: Int32Array;
  weights: Float32Array;
  /** Input tokens without padding. */
  tokens: number;
}

/**
 * What starting one more rectangle costs, in tokens' worth of work: per-call overhead and adding its
 * gradients.
 */
const RECTANGLE_COST = 192;

/**
 * Cuts rows of the given lengths into rectangles of at most maxTokens padded tokens (one row may exceed it),
 * so that padding plus overhead is least. Returns the indices in each, by dynamic programming over the sorted
 * lengths.
 */
export function rectangles(lengths: readonly number[], maxTokens: number): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const n = order.length;
  // best[i]: least cost of order[i..]; a rectangle starting at i is as wide as order[i], its longest row.
  const best = new Float64Array(n + 1);
  const end = new Int32Array(n);
  for (let i = n - 1; i >= 0; i--) {
    const width = lengths[order[i]!]!;
    const most = Math.max(1, Math.floor(maxTokens / Math.max(1, width)));
    best[i] = Number.POSITIVE_INFINITY;
    for (let j = i + 1; j <= Math.min(n, i + most); j++) {
      const cost = width * (j - i) + RECTANGLE_COST + best[j]!;
      if (cost < best[i]!) {
        best[i] = cost;
        end[i] = j;
      }
    }
  }
  const out: number[][] = [];
  for (let i = 0; i < n; i = end[i]!) out.push(order.slice(i, end[i]!));
  return out;
}

/** Consecutive items, as many at a time as fit into maxTokens when all are padded to the longest; one may exceed it. */
export function* consecutive<T>(
  items: readonly T[],
  lengthOf: (item: T) => number,
  maxTokens: number,
): Generator<T[]> {
  let part: T[] = [];
  let longest = 0;
  for (const item of items) {
    longest = Math.max(longest, lengthOf(item));
    if (part.length > 0 && (part.length + 1) * longest > maxTokens) {
      yield part;
      part = [];
      longest = lengthOf(item);
    }
    part.push(item);
  }
  if (part.length > 0) yield part;
}

/** Examples as one right-padded rectangle. The last token of each is a label only. */
export function toBatch(examples: readonly Example[]): Batch {
  const B = examples.length;
  const T = Math.max(1, ...examples.map((e) => e.ids.length - 1));
  const ids = new Int32Array(B * T);
  const labels = new Int32Array(B * T).fill(-1);
  const weights = new Float32Array(B * T);
  let tokens = 0;
  examples.forEach((example, b) => {
    for (let t = 0; t < example.ids.length - 1; t++) {
      const m = b * T + t;
      ids[m] = example.ids[t]!;
      const weight = example.weights[t + 1] ?? 0;
      if (weight === 0) continue;
      labels[m] = example.ids[t + 1]!;
      weights[m] = weight;
    }
    tokens += Math.max(0, example.ids.length - 1);
  });
  return { B, T, ids, labels, weights, tokens };
}

/** Total loss weight of examples: what a step's loss is divided by. */
export function totalWeight(examples: readonly Example[]): number {
  let sum = 0;
  for (const { ids, weights } of examples) {
    for (let t = 1; t < ids.length; t++) sum += weights[t] ?? 0;
  }
  return sum;
}

/**
 * How much goes into one optimizer step: so many sequences, or sequences up to so many tokens (at least one).
 */
export type StepSize = { sequences: number } | { tokens: number };

/**
 * One epoch's steps as lists of example indices: shuffled by (seed, epoch), then cut by size. Every example
 * occurs once.
 */
export function epochSteps(
  lengths: readonly number[],
  size: StepSize,
  seed: number,
  epoch: number,
): number[][] {
  const steps: number[][] = [];
  let step: number[] = [];
  let tokens = 0;
  for (const i of permutation(lengths.length, randomStream(seed, 1, epoch))) {
    const full = 'tokens' in size ? tokens + lengths[i]! > size.tokens : step.length >= size.sequences;
    if (full && step.length > 0) {
      steps.push(step);
      step = [];
      tokens = 0;
    }
    step.push(i);
    tokens += lengths[i]!;
  }
  if (step.length > 0) steps.push(step);
  return steps;
}
