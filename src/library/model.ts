/** A causal language model that is open: what it says, and how likely it finds a text. */
import { sample as sampleIds } from '../lm/sample.js';
import { texts } from '../pipeline/progress.js';
import { UserError } from '../store/errors.js';
import { encodeStart } from '../text/tokenizer.js';
import { scoreAll } from '../writers/chunks.js';
import { stopIdsOf } from '../writers/local.js';
import { openModel } from '../writers/text-model.js';
import { check, shapes } from './check.js';
import { ensureEngine } from './engine.js';
import { OpenModel, textModelOf } from './open-model.js';
import { type Watch, watched } from './watch.js';

export interface Model {
  /** The folder that it was read from. */
  readonly dir: string;
  /** Number of parameters. */
  readonly size: number;
  /** Most tokens of a text that it reads and writes. */
  readonly window: number;
  /** The id that ends a text. */
  readonly eos: number;
  encode(text: string): number[];
  decode(ids: ArrayLike<number>): string;
  /**
   * Writes a folder in Hugging Face's layout, whole or not at all. It may replace an empty folder or one that this library wrote.
   * @throws UserError where it cannot be written, or holds anything else
   */
  save(dir: string): Promise<void>;
  /** Frees its memory; it cannot be used afterwards. */
  dispose(): void;
}

/**
 * Opens a model folder in Hugging Face's layout (config.json, model.safetensors, a tokenizer). Starts the default engine where
 * `startEngine` started none. @throws UserError for a folder that is no model, is damaged, or is of an unknown architecture
 */
export async function loadModel(dir: string): Promise<Model> {
  check('loadModel', shapes.folder, dir);
  await ensureEngine();
  return new OpenModel(await openModel(dir));
}

export interface SampleOptions extends Watch {
  /** Texts for each prompt, 1. */
  n?: number;
  /** 1; 0 takes the likeliest token. */
  temperature?: number;
  /** Nucleus sampling: the share of the probability that is kept, 1. */
  topP?: number;
  /** Tokens of a text at most, 48; fewer where the model's window ends. */
  maxTokens?: number;
  /** Ends a text, and is not part of it; null: only the model's end of text does. */
  stop?: string | null;
  /** The same seed gives the same texts, 0. */
  seed?: number;
}

export interface Sampled {
  /** What was written, up to `stop`. */
  text: string;
  /** The tokens as they were sampled, the end of text included where the model wrote it. */
  ids: number[];
  /** ln p of each, at temperature 1 from the whole vocabulary. */
  logprobs: number[];
  /** Whether the model ended it, or `stop` did; else the limit of tokens. */
  finished: boolean;
}

/**
 * Texts that continue the prompts, [prompt][text].
 * @throws UserError for a prompt that is empty or fills the model's window, and options that mean nothing
 */
export async function sample(
  model: Model,
  prompts: readonly string[],
  options: SampleOptions = {},
): Promise<Sampled[][]> {
  check('sample: prompts', shapes.texts, prompts);
  check('sample', shapes.sample, options);
  const { n = 1, temperature = 1, topP = 1, maxTokens = 48, stop = null, seed = 0, ...watch } = options;
  const { lm, tokenizer } = textModelOf(model);
  const stopIds = stopIdsOf(tokenizer, stop);
  const ids = prompts.map((prompt) => encodeStart(tokenizer, prompt));
  const how = { maxNewTokens: maxTokens, temperature, topK: 0, topP, seed, stopIds };
  const completions = await sampleIds(lm, ids, n, how, texts(watched(watch), 'sampling'));
  return completions.map((of) =>
    of.map((completion) => {
      const all = tokenizer.decode(completion.ids);
      const end = stop === null ? -1 : all.indexOf(stop);
      return end < 0
        ? { text: all, ...completion }
        : { text: all.slice(0, end), ...completion, finished: true };
    }),
  );
}

/**
 * A completion and what precedes it, as texts or as token ids. Texts are encoded each on its own; a prompt begins as the tokenizer begins
 * every text.
 */
export type ScoreItem =
  | { prompt: string; completion: string }
  | { promptIds: readonly number[]; completionIds: readonly number[] };

/**
 * ln p(token | all before it) of each completion's tokens, in nats: [item][token]. Prompts must not be empty.
 * @throws UserError for an empty prompt, or a text that is longer than the model's window
 */
export async function score(
  model: Model,
  items: readonly ScoreItem[],
  watch: Watch = {},
): Promise<Float32Array[]> {
  check('score: items', shapes.items, items);
  check('score', shapes.watch, watch);
  const { lm, tokenizer } = textModelOf(model);
  const ids = items.map((item) =>
    'prompt' in item
      ? { prompt: encodeStart(tokenizer, item.prompt), completion: tokenizer.encode(item.completion) }
      : { prompt: item.promptIds, completion: item.completionIds },
  );
  const { vocab } = lm.description;
  ids.forEach(({ prompt, completion }, i) => {
    const beyond = [...prompt, ...completion].find((id) => id >= vocab);
    if (beyond !== undefined)
      throw new UserError(`score: item ${i}: the id ${beyond} is outside the model's vocabulary of ${vocab}`);
  });
  return scoreAll(lm, ids, texts(watched(watch), 'scoring'));
}
