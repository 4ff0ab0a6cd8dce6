/**
 * Who writes texts: an LM in this process (local.ts), or a server elsewhere. What writes need not tell how likely a text is; what
 * needs that asks for `score`, and says so where there is none.
 */
import type { TextFormat } from '../tasks/text-format.js';

/** A text to go on from. */
export interface Prompt {
  text: string;
  /** What it is about, for error messages: "context 17". */
  name: string;
}

/** A text, and how its writer's tokenizer spelt it. */
export interface Written {
  text: string;
  /** Its tokens and the end of text, as they were sampled; none where they are not known. What is scored and learned are these. */
  ids: ArrayLike<number>;
  /** The key of the tokenizer that the ids are of; empty where there are none. */
  tokenizer: string;
}

/** A text that no tokenizer of ours spelt yet. */
export const given = (text: string): Written => ({ text, ids: [], tokenizer: '' });

/** How texts are sampled for use. KL has its own settings: temperature 1, top-p 1. */
export interface Sampling {
  temperature: number;
  topP: number;
  /** Tokens of a text at most, its end included. */
  maxTokens: number;
}

/** Called with the number of texts done, and of all. */
export type OnTexts = (done: number, total: number) => void;

/** How texts are written. */
export interface Writing extends Sampling {
  format: TextFormat;
  seed: number;
}

export interface Writer {
  /** For people. */
  readonly name: string;
  /** What its texts depend on, for step keys: a model folder. */
  readonly key: string;
  /** n tidied texts for each prompt, [prompt][text]; text j of prompt i depends on (seed, i, j) alone. */
  write(prompts: readonly Prompt[], n: number, how: Writing, onTexts: OnTexts): Promise<Written[][]>;
  /** log p(text and its end | prompt) of each, in nats: sums over tokens, at temperature 1. */
  score?(prompts: readonly Prompt[], texts: readonly Written[], onTexts: OnTexts): Promise<number[]>;
}
