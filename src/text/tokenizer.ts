/**
 * Tokenizers from a local model folder, in the Hugging Face layout: tokenizer.json, or GPT-2's older vocab.json and
 * merges.txt. The algorithm is @xenova/transformers'; for GPT-2-like tokenizers its result is remembered for every
 * pre-token, which makes it about as fast as splitting the text.
 *
 * Text is only ever text: a special token's name inside it is encoded as the characters it consists of. Special
 * tokens come in by their ids (`eos`) and decode to nothing.
 *
 * Deliberately not here: chat templates, the tokens that some tokenizers put around a text, truncation.
 */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { asUserError, systemErrorCode, UserError } from '../store/errors.js';
import { hashText } from '../store/hash.js';
import { oneLine, readJsonIfThere, readText } from '../store/read-json.js';
import { BYTE_LEVEL_CONFIG, byteLevelJson, CHAR_BYTES, END_OF_TEXT, PRE_TOKENS } from './byte-level.js';

export interface Tokenizer {
  /** One more than the largest id. */
  readonly vocabSize: number;
  /** The id that ends a text. */
  readonly eos: number;
  /** Equal for tokenizers that give the same ids: of the vocabulary and the rules. */
  readonly key: string;
  encode(text: string): number[];
  /** Special tokens become nothing, ids outside the vocabulary and broken UTF-8 become U+FFFD. */
  decode(ids: ArrayLike<number>): string;
}

const id = z.number().int().nonnegative().max(0xffffff);
const tokenizerSchema = z.looseObject({
  added_tokens: z
    .array(z.looseObject({ id, content: z.string(), special: z.boolean().optional() }))
    .default([]),
  normalizer: z.looseObject({ type: z.string() }).nullish(),
  pre_tokenizer: z
    .looseObject({
      type: z.string(),
      add_prefix_space: z.boolean().optional(),
      use_regex: z.boolean().optional(),
    })
    .nullish(),
  model: z.looseObject({
    type: z.string().optional(),
    vocab: z.union([z.record(z.string(), id), z.array(z.unknown())]),
  }),
});
type TokenizerJson = z.infer<typeof tokenizerSchema>;

const tokenName = z.union([
  z.string(),
  z.looseObject({ content: z.string() }).transform((token) => token.content),
]);
const configSchema = z.looseObject({
  tokenizer_class: z.string().optional(),
  eos_token: tokenName.nullish(),
});

/** Every file that a tokenizer may consist of. */
const FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'merges.txt',
];

/** Copies the tokenizer of one model folder to another. @throws UserError for system errors. */
export async function copyTokenizer(fromDir: string, toDir: string): Promise<void> {
  for (const name of FILES) {
    try {
      await copyFile(join(fromDir, name), join(toDir, name));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw asUserError(error, 'write', join(toDir, name));
    }
  }
}

/** Reads vocab.json and merges.txt, GPT-2's own files, as the tokenizer.json that they amount to. */
async function readGpt2Files(dir: string): Promise<TokenizerJson | undefined> {
  const vocab = await readJsonIfThere(join(dir, 'vocab.json'), z.record(z.string(), id));
  if (vocab === undefined) return undefined;
  const path = join(dir, 'merges.txt');
  const merges = (await readText(path))
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#version'));
  for (const merge of merges) {
    if (!/^\S+ \S+$/.test(merge))
      throw new UserError(`cannot use ${path}: "${oneLine(merge)}" is not two tokens`);
  }
  const endOfText = vocab[END_OF_TEXT];
  if (endOfText === undefined)
    throw new UserError(`cannot use ${join(dir, 'vocab.json')}: it has no ${END_OF_TEXT}`);
  return byteLevelJson(vocab, merges, endOfText);
}

async function readTokenizerJson(dir: string): Promise<TokenizerJson | undefined> {
  return (await readJsonIfThere(join(dir, 'tokenizer.json'), tokenizerSchema)) ?? (await readGpt2Files(dir));
}

/** Every token's id by its name; undefined where the folder has no tokenizer. @throws UserError where it cannot be used. */
export async function readVocabulary(dir: string): Promise<Map<string, number> | undefined> {
  const json = await readTokenizerJson(dir);
  return json && tokenIds(json);
}

/** Reads the tokenizer of a model folder. @throws UserError where it is missing or cannot be used. */
export async function loadTokenizer(dir: string): Promise<Tokenizer> {
  const path = join(dir, 'tokenizer.json');
  const json = await readTokenizerJson(dir);
  if (json === undefined)
    throw new UserError(`${dir} has no tokenizer: neither tokenizer.json nor vocab.json`);
  const config =
    (await readJsonIfThere(join(dir, 'tokenizer_config.json'), configSchema)) ?? BYTE_LEVEL_CONFIG;

  const ids = tokenIds(json);
  const eosName = config.eos_token ?? END_OF_TEXT;
  const eos = ids.get(eosName);
  if (eos === undefined)
    throw new UserError(`cannot use ${path}: it has no token "${eosName}" to end a text with`);

  const { PreTrainedTokenizer } = await import('@xenova/transformers'); // late: it loads onnxruntime
  const open = (content: TokenizerJson): InstanceType<typeof PreTrainedTokenizer> => {
    try {
      return new PreTrainedTokenizer(content, config);
    } catch (error) {
      throw new UserError(`cannot use ${path}: ${oneLine((error as Error).message)}`);
    }
  };
  // Without its special tokens the tokenizer takes their names for ordinary text.
  const plain = { ...json, added_tokens: json.added_tokens.filter((token) => !token.special) };
  const inner = open(plain);
  const encodeAll = (text: string): number[] =>
    text === '' ? [] : inner.encode(text, { add_special_tokens: false });

  const key = hashText(JSON.stringify(json)).slice(0, 16);
  let vocabSize = 0;
  for (const value of ids.values()) vocabSize = Math.max(vocabSize, value + 1);

  if (isGpt2Like(plain)) {
    const special = new Set(json.added_tokens.filter((token) => token.special).map((token) => token.content));
    return { vocabSize, eos, key, encode: byPreToken(encodeAll), decode: byteDecoder(ids, special) };
  }
  const withSpecials = open(json);
  const decode: Tokenizer['decode'] = (tokens) => {
    if (tokens.length === 0) return '';
    const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
    return withSpecials.decode(Array.from(tokens), options);
  };
  return { vocabSize, eos, key, encode: encodeAll, decode };
}

/** Every token's id by its name. */
function tokenIds(json: TokenizerJson): Map<string, number> {
  const { vocab } = json.model;
  // Unigram models list [token, score] in the order of the ids.
  const listed = Array.isArray(vocab)
    ? vocab.map((entry, index): [string, number] => [String(Array.isArray(entry) ? entry[0] : entry), index])
    : Object.entries(vocab);
  return new Map([
    ...listed,
    ...json.added_tokens.map((token): [string, number] => [token.content, token.id]),
  ]);
}

/** True where the text's tokens are those of its pre-tokens by GPT-2's regular expression, and tokens are bytes. */
function isGpt2Like({ normalizer, pre_tokenizer, added_tokens }: TokenizerJson): boolean {
  return (
    !normalizer &&
    added_tokens.length === 0 &&
    pre_tokenizer?.type === 'ByteLevel' &&
    pre_tokenizer.add_prefix_space === false &&
    pre_tokenizer.use_regex !== false
  );
}

/** Pre-tokens remembered at most, and the longest one that is (UTF-16 units): some 10 MB. */
const MOST_REMEMBERED = 1 << 16;
const LONGEST_REMEMBERED = 64;

function byPreToken(encodeAll: (text: string) => number[]): (text: string) => number[] {
  const remembered = new Map<string, readonly number[]>();
  return (text) => {
    const ids: number[] = [];
    for (const piece of text.match(PRE_TOKENS) ?? []) {
      let tokens = remembered.get(piece);
      if (tokens === undefined) {
        tokens = encodeAll(piece);
        if (remembered.size >= MOST_REMEMBERED) remembered.clear();
        if (piece.length <= LONGEST_REMEMBERED) remembered.set(piece, tokens);
      }
      for (const token of tokens) ids.push(token);
    }
    return ids;
  };
}

function byteDecoder(ids: Map<string, number>, special: Set<string>): Tokenizer['decode'] {
  const bytes: Buffer[] = [];
  for (const [name, value] of ids) {
    const text = special.has(name) ? '' : name;
    const chars = [...text].map((char) => CHAR_BYTES.get(char));
    // A token that is not spelt in bytes (none of GPT-2's) stands for its own characters.
    bytes[value] = chars.includes(undefined) ? Buffer.from(text) : Buffer.from(chars as number[]);
  }
  const unknown = Buffer.from('\ufffd');
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return (tokens) => decoder.decode(Buffer.concat(Array.from(tokens, (token) => bytes[token] ?? unknown)));
}
