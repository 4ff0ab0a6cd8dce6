/** Texts from an LM: sampled and tidied, or scored. What all steps share. */

import type { CausalLM } from '../lm/model.js';
import { sample } from '../lm/sample.js';
import { type ScoreItem, scoreCompletions } from '../lm/score.js';
import { UserError } from '../store/errors.js';
import type { TextModel } from './model.js';

/** Called with the number of texts done, and of all. */
export type OnTexts = (done: number, total: number) => void;

/** How texts are sampled for use. KL has its own settings: temperature 1, top-p 1. */
export interface Sampling {
  temperature: number;
  topP: number;
  maxNewTokens: number;
}

/**
 * A sampled text as a person would have it: up to the first line break, and without a last sentence that the token
 * limit cut off. A text that is all one unfinished sentence stays, since an empty one says even less.
 */
export function tidy(text: string, finished: boolean): string {
  const newline = text.trimStart().indexOf('\n');
  const line = (newline < 0 ? text.trimStart() : text.trimStart().slice(0, newline)).trimEnd();
  if (finished || newline >= 0) return line;
  const end = line.search(/[.!?][^.!?]*$/);
  return end < 0 ? line : line.slice(0, end + 1);
}

/** A prompt's ids. @throws UserError naming the prompt where it leaves no `room` in the model's window, in tokens */
export function encodePrompt(
  { lm, tokenizer, dir }: TextModel,
  prompt: string,
  room: number,
  name: string,
): number[] {
  const ids = tokenizer.encode(prompt);
  const window = lm.description.positions;
  if (ids.length + room > window)
    throw new UserError(
      `${name} is too long for the model ${dir}: ${ids.length} tokens to read and ${room} to write do not fit into its ${window}; shorten it`,
    );
  return ids;
}

/** n tidied texts for each prompt; text j of prompt i depends on (seed, i, j) alone. `names` are for error messages. */
export async function sampleTexts(
  model: TextModel,
  prompts: readonly string[],
  names: readonly string[],
  n: number,
  { temperature, topP, maxNewTokens }: Sampling,
  seed: number,
  onProgress: OnTexts,
): Promise<string[][]> {
  if (prompts.length === 0) return [];
  const { lm, tokenizer } = model;
  const ids = prompts.map((prompt, i) => encodePrompt(model, prompt, maxNewTokens, names[i]!));
  // What follows a line break would be cut: stop there where it is a token of its own.
  const newline = tokenizer.encode('\n');
  const stopIds = newline.length === 1 ? [tokenizer.eos, newline[0]!] : [tokenizer.eos];
  const options = { maxNewTokens, temperature, topK: 0, topP, seed, stopIds };
  const completions = await sample(lm, ids, n, options, onProgress);
  return completions.map((of) =>
    of.map((completion) => tidy(tokenizer.decode(completion.ids), completion.finished)),
  );
}

/** log p(text and its end | prompt) of each pair, in nats: sums over tokens, at temperature 1. */
export async function scoreTexts(
  model: TextModel,
  pairs: readonly { prompt: string; text: string }[],
  names: readonly string[],
  onProgress: OnTexts,
): Promise<number[]> {
  if (pairs.length === 0) return [];
  const completions = pairs.map(({ text }) => completionIds(model, text));
  const items = pairs.map(({ prompt }, i) => ({
    prompt: encodePrompt(model, prompt, completions[i]!.length, names[i]!),
    completion: completions[i]!,
  }));
  const logprobs = await scoreAll(model.lm, items, onProgress);
  return logprobs.map((of) => of.reduce((sum, lp) => sum + lp, 0));
}

/** A text as a completion: after a space, with the end of text. */
export const completionIds = ({ tokenizer }: TextModel, text: string): number[] => [
  ...tokenizer.encode(` ${text}`),
  tokenizer.eos,
];

/** Texts worked on between two reports of progress. */
const CHUNK = 256;

/** `work` on all items, some at a time, for work that says nothing while it goes on. */
export async function inChunks<T, R>(
  items: readonly T[],
  work: (some: readonly T[]) => Promise<R[]>,
  onProgress: OnTexts,
): Promise<R[]> {
  const done: R[] = [];
  for (let from = 0; from < items.length; from += CHUNK) {
    done.push(...(await work(items.slice(from, from + CHUNK))));
    onProgress(done.length, items.length);
  }
  return done;
}

/** ln p of every completion token, as `scoreCompletions`. */
export const scoreAll = (
  lm: CausalLM,
  items: readonly ScoreItem[],
  onProgress: OnTexts,
): Promise<Float32Array[]> => inChunks(items, (some) => scoreCompletions(lm, some), onProgress);
