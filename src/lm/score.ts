/**
 * Log-probabilities of given completions, and exact KL divergences along them. Prompt and padding are masked
 * token by token; causal attention and per-row softmax make the results independent of the batch.
 */
import { gatherRows, linearCrossEntropy, linearKL } from '../engine/fused.js';
import * as tf from '../engine/tf.js';
import { UserError } from '../store/errors.js';
import { rectangles } from './batch.js';
import type { CausalLM } from './model.js';

/** A completion in its context: both as tokens; the prompt holds at least one. */
export interface ScoreItem {
  prompt: readonly number[];
  completion: readonly number[];
}

/** Most padded tokens computed at once. */
const MAX_TOKENS = 8192;

/**
 * One rectangle: inputs [B,T], and for every completion token the row that predicts it and its id, item by
 * item.
 */
interface Rectangle {
  B: number;
  T: number;
  ids: Int32Array;
  rows: Int32Array;
  labels: Int32Array;
}

function toRectangle(items: readonly ScoreItem[]): Rectangle {
  const B = items.length;
  const T = Math.max(...items.map(({ prompt, completion }) => prompt.length + completion.length - 1));
  const ids = new Int32Array(B * T);
  const rows: number[] = [];
  items.forEach(({ prompt, completion }, b) => {
    ids.set(prompt, b * T);
    ids.set(completion.slice(0, -1), b * T + prompt.length);
    completion.forEach((_, i) => {
      rows.push(b * T + prompt.length - 1 + i);
    });
  });
  return {
    B,
    T,
    ids,
    rows: Int32Array.from(rows),
    labels: Int32Array.from(items.flatMap((i) => [...i.completion])),
  };
}

/** Runs `values` ([completion tokens] of a rectangle) over all items and hands each item its own numbers. */
async function perToken(
  items: readonly ScoreItem[],
  maxTokens: number,
  values: (rectangle: Rectangle) => tf.Tensor1D,
): Promise<Float32Array[]> {
  const out = items.map(({ completion }) => new Float32Array(completion.length));
  const filled = [...items.keys()].filter((i) => items[i]!.completion.length > 0);
  for (const i of filled) {
    if (items[i]!.prompt.length === 0)
      throw new UserError(`scoring: item ${i} has an empty prompt; begin it with a token`);
  }
  const lengths = filled.map((i) => items[i]!.prompt.length + items[i]!.completion.length - 1);
  for (const part of rectangles(lengths, maxTokens)) {
    const chosen = part.map((k) => filled[k]!);
    const rectangle = toRectangle(chosen.map((i) => items[i]!));
    const numbers = tf.tidy(() => values(rectangle).dataSync() as Float32Array);
    let from = 0;
    for (const i of chosen) {
      out[i]!.set(numbers.subarray(from, from + out[i]!.length));
      from += out[i]!.length;
    }
    // Lets timers and signals in.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return out;
}

/**
 * ln p(token | what precedes it) for every completion token, in nats. An empty completion gives an empty
 * array. Throws UserError for an empty prompt or a text longer than the model's positions. maxTokens bounds
 * memory, not the result.
 */
export function scoreCompletions(
  lm: CausalLM,
  items: readonly ScoreItem[],
  maxTokens = MAX_TOKENS,
): Promise<Float32Array[]> {
  return perToken(items, maxTokens, ({ ids, B, T, rows, labels }) => {
    const h = gatherRows(lm.hidden(ids, B, T), rows);
    return linearCrossEntropy(h, lm.wte, labels).neg();
  });
}

/**
 * KL(p(·|prefix) ‖ q(·|prefix)) over the whole vocabulary at every completion position, in nats; its sum over
 * a completion sampled from p is the Rao–Blackwellised estimate of the sequences' KL. Both models share one
 * vocabulary, else UserError.
 */
export async function perTokenKL(
  p: CausalLM,
  q: CausalLM,
  items: readonly ScoreItem[],
  maxTokens = MAX_TOKENS,
): Promise<Float32Array[]> {
  if (p.config.vocab_size !== q.config.vocab_size) {
    throw new UserError(
      `the models' vocabularies differ: ${p.config.vocab_size} and ${q.config.vocab_size} tokens`,
    );
  }
  return perToken(items, maxTokens, ({ ids, B, T, rows }) =>
    linearKL(gatherRows(p.hidden(ids, B, T), rows), p.wte, gatherRows(q.hidden(ids, B, T), rows), q.wte),
  );
}
