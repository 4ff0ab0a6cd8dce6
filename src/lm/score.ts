/**
 * Log-probabilities of given completions, and what else is known token by token along them (compare.ts). Prompt and padding
 * are masked token by token; causal attention and per-row softmax make the results independent of the batch.
 */
import { gatherRows, linearCrossEntropy } from '../engine/fused.js';
import * as tf from '../engine/tf.js';
import { UserError } from '../store/errors.js';
import { allFinite } from '../store/finite.js';
import { rectangles } from './batch.js';
import type { CausalLM } from './model.js';

/** A completion in its context: both as tokens; the prompt holds at least one. */
export interface ScoreItem {
  prompt: readonly number[];
  completion: readonly number[];
}

/** Most padded tokens computed at once. */
export const MAX_TOKENS = 8192;

/**
 * One rectangle: inputs [B,T], and for every completion token the row that predicts it and its id, item by
 * item.
 */
export interface Rectangle {
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

/**
 * Runs `values`, some numbers for every completion token of a rectangle, each [completion tokens], over all items, and hands each
 * item its own: empty ones for an empty completion. @throws UserError for an empty prompt
 */
export async function perToken<K extends string>(
  items: readonly ScoreItem[],
  maxTokens: number,
  names: readonly K[],
  values: (rectangle: Rectangle) => Record<K, tf.Tensor1D>,
): Promise<Record<K, Float32Array>[]> {
  const out = items.map(
    ({ completion: { length } }) =>
      Object.fromEntries(names.map((name) => [name, new Float32Array(length)])) as Record<K, Float32Array>,
  );
  const filled = [...items.keys()].filter((i) => items[i]!.completion.length > 0);
  for (const i of filled) {
    if (items[i]!.prompt.length === 0)
      throw new UserError(`scoring: item ${i} has an empty prompt; begin it with a token`);
  }
  const lengths = filled.map((i) => items[i]!.prompt.length + items[i]!.completion.length - 1);
  for (const part of rectangles(lengths, maxTokens)) {
    const chosen = part.map((k) => filled[k]!);
    const rectangle = toRectangle(chosen.map((i) => items[i]!));
    tf.tidy(() => {
      const numbers = values(rectangle);
      for (const name of names) {
        const of = numbers[name].dataSync() as Float32Array;
        let from = 0;
        for (const i of chosen) {
          const own = out[i]![name];
          own.set(of.subarray(from, from + own.length));
          from += own.length;
        }
      }
    });
    // Lets timers and signals in.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return out;
}

/** The hidden states that predict a rectangle's completion tokens: [completion tokens, D] */
export const predicting = (lm: CausalLM, { ids, B, T, rows }: Rectangle): tf.Tensor2D =>
  gatherRows(lm.hidden(ids, B, T), rows);

/** Log-probabilities, which are finite where the logits are. @throws UserError where they are not */
export function checked(lm: CausalLM, logprobs: Float32Array): Float32Array {
  if (!allFinite(logprobs)) throw lm.notFinite('log-probabilities');
  return logprobs;
}

/**
 * ln p(token | what precedes it) for every completion token, in nats. An empty completion gives an empty array.
 * maxTokens bounds memory, not the result.
 * @throws UserError for an empty prompt or a text longer than the model's positions
 */
export async function scoreCompletions(
  lm: CausalLM,
  items: readonly ScoreItem[],
  maxTokens = MAX_TOKENS,
): Promise<Float32Array[]> {
  const scored = await perToken(items, maxTokens, ['logprobs'], (rectangle) => ({
    logprobs: linearCrossEntropy(predicting(lm, rectangle), lm.head, rectangle.labels).neg(),
  }));
  return scored.map(({ logprobs }) => checked(lm, logprobs));
}
