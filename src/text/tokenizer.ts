/**
 * Tokenizers from a local model folder, in the Hugging Face layout: tokenizer.json, or GPT-2's older vocab.json and merges.txt, and
 * what the files beside them say. They give the ids that Hugging Face's own library gives; a setting that would give others than the
 * parts here is refused by its name.
 *
 * Text is only ever text: a special token's name inside it is encoded as the characters it consists of. Special
 * tokens come in by their ids (`eos`, `begin`) and decode to nothing.
 *
 * Deliberately not here: chat templates, pairs of texts, truncation, padding.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asUserError, UserError } from '../store/errors.js';
import { hashText } from '../store/hash.js';
import { readFileIfThere } from '../store/read-bytes.js';
import { type AddedToken, finderOf } from './added-tokens.js';
import { decodesLinearly, encodesLinearly } from './linear.js';
import { bpe } from './parts/bpe.js';
import { checkLength } from './parts/common.js';
import { cleanUp, decoderOf } from './parts/decoders.js';
import type { Decoder, Model } from './parts/kinds.js';
import { normalizerOf } from './parts/normalizers.js';
import { preTokenizerOf } from './parts/pre-tokenizers.js';
import { unigram } from './parts/unigram.js';
import { wordLevel, wordPiece } from './parts/words.js';
import { beginOf } from './post-processor.js';
import { readEnds, readTokenizerConfig, type TokenizerConfig } from './settings.js';
import { withinTime } from './time-limit.js';
import { readTokenizer, type TokenizerJson, tokenIds } from './tokenizer-json.js';

export interface Tokenizer {
  /** One more than the largest id. */
  readonly vocabSize: number;
  /** The id that is written behind a text. */
  readonly eos: number;
  /** All ids that end a text, `eos` among them. */
  readonly ends: readonly number[];
  /** What a text that nothing precedes begins with. */
  readonly begin: readonly number[];
  /** The token that is named as the one that begins a text, whether or not it is put there. */
  readonly bos?: number;
  /** Equal for tokenizers that give the same ids: of the vocabulary and the rules. */
  readonly key: string;
  encode(text: string): number[];
  /** Special tokens become nothing, ids outside the vocabulary and broken UTF-8 become U+FFFD. */
  decode(ids: ArrayLike<number>): string;
}

/** The ids of a text that nothing precedes, such as a prompt. */
export const encodeStart = (tokenizer: Pick<Tokenizer, 'begin' | 'encode'>, text: string): number[] => [
  ...tokenizer.begin,
  ...tokenizer.encode(text),
];

/** Every file that a tokenizer may consist of. */
const FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
];

/** Copies the tokenizer of one model folder to another. @throws UserError for system errors. */
export async function copyTokenizer(fromDir: string, toDir: string): Promise<void> {
  for (const name of FILES) {
    const bytes = await readFileIfThere(join(fromDir, name));
    if (bytes === undefined) continue;
    try {
      await writeFile(join(toDir, name), bytes);
    } catch (error) {
      throw asUserError(error, 'write', join(toDir, name));
    }
  }
}

/** Every token's id by its name; undefined where the folder has no tokenizer. @throws UserError where it cannot be used. */
export async function readVocabulary(dir: string): Promise<Map<string, number> | undefined> {
  const found = await readTokenizer(dir);
  return found && tokenIds(found.json);
}

/** Reads the tokenizer of a model folder. @throws UserError where it is missing or cannot be used. */
export async function loadTokenizer(dir: string): Promise<Tokenizer> {
  const found = await readTokenizer(dir);
  if (found === undefined)
    throw new UserError(`${dir} has no tokenizer: neither tokenizer.json nor vocab.json`);
  const { raw, where } = found;
  const config = await readTokenizerConfig(dir);
  const json = withSettings(found.json, config, `cannot use ${join(dir, 'tokenizer_config.json')}`);
  const ids = tokenIds(json);
  const { eos, ends, bos } = await readEnds(dir, config, ids);
  let vocabSize = 0;
  for (const value of ids.values()) vocabSize = Math.max(vocabSize, value + 1);
  // As it stands in the file: what the settings beside it change is added.
  const changed =
    json === found.json ? '' : JSON.stringify([json.added_tokens, json.pre_tokenizer, json.normalizer]);
  return {
    vocabSize,
    eos,
    ends,
    begin: beginIn(json, config, bos, where),
    ...(bos !== undefined && { bos }),
    key: hashText(JSON.stringify(raw) + changed).slice(0, 16),
    encode: guarded(where, () =>
      withinTime(MOST_SECONDS, `${where}: to make its parts`, () => encoder(json, where)),
    ),
    decode: decoder(json, config, ids, ends, where),
  };
}

/** tokenizer.json with what tokenizer_config.json changes in it. @throws UserError for a change that cannot be made here */
function withSettings(json: TokenizerJson, config: TokenizerConfig, where: string): TokenizerJson {
  let out = json;
  const { add_prefix_space, do_lower_case, added_tokens_decoder } = config;
  const pre = json.pre_tokenizer;
  if (add_prefix_space != null && pre?.type === 'ByteLevel' && pre.add_prefix_space !== add_prefix_space)
    out = { ...out, pre_tokenizer: { ...pre, add_prefix_space } };
  const { normalizer } = json;
  if (
    do_lower_case != null &&
    normalizer?.type === 'BertNormalizer' &&
    normalizer.lowercase !== do_lower_case
  )
    out = { ...out, normalizer: { ...normalizer, lowercase: do_lower_case } };
  const known = tokenIds(json);
  const more: AddedToken[] = [];
  for (const [number, { content, ...how }] of added_tokens_decoder ?? []) {
    const id = Number(number);
    if (!/^\d{1,8}$/.test(number))
      throw new UserError(
        `${where}: "added_tokens_decoder" has ${JSON.stringify(number.slice(0, 50))}, which is no id`,
      );
    if (known.get(content) === id) continue;
    if (known.has(content))
      throw new UserError(
        `${where}: "added_tokens_decoder" gives ${JSON.stringify(content.slice(0, 50))} the number ${id}, tokenizer.json ${known.get(content)}`,
      );
    more.push({ id, content, ...how });
  }
  return more.length > 0 ? { ...out, added_tokens: [...json.added_tokens, ...more] } : out;
}

/** What begins a text, by tokenizer_config.json, else as the post-processor has it. */
function beginIn(
  json: TokenizerJson,
  config: TokenizerConfig,
  bos: number | undefined,
  where: string,
): number[] {
  if (config.add_bos_token === false) return [];
  if (config.add_bos_token === true && bos !== undefined) return [bos];
  const begin = beginOf(json.post_processor);
  if (begin === undefined)
    throw new UserError(
      `${where}: "post_processor" puts a token in front of texts whose number it does not say`,
    );
  return begin;
}

/** Half of a surrogate pair is no character: it becomes U+FFFD, as it does in UTF-8. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

function modelOf({ model }: TokenizerJson, where: string): Model {
  const ids = tokenIds({ model, added_tokens: [] });
  switch (model.type) {
    case 'BPE':
      return bpe(model, ids, where);
    case 'Unigram':
      return unigram(model, where);
    case 'WordPiece':
      return wordPiece(model, ids, where);
    case 'WordLevel':
      return wordLevel(model, ids, where);
    default:
      return model satisfies never as never;
  }
}

/** Texts of a book's length take a second. */
const MOST_SECONDS = 5;

function encoder(json: TokenizerJson, where: string): Tokenizer['encode'] {
  const normalize = json.normalizer ? normalizerOf(json.normalizer, where) : (text: string) => text;
  const preTokenize = json.pre_tokenizer
    ? preTokenizerOf(json.pre_tokenizer, where)
    : (text: string) => [text];
  const find = finderOf(json.added_tokens, normalize);
  const model = remembering(modelOf(json, where));
  const encode = (text: string): number[] => {
    checkLength(text.length, where);
    const out: number[] = [];
    let first = true;
    for (const stretch of find(wellFormed(text))) {
      if (typeof stretch === 'number') out.push(stretch);
      else
        for (const piece of preTokenize(stretch, first)) {
          if (piece !== '') for (const id of model(piece)) out.push(id);
        }
      first = false;
    }
    return out;
  };
  return encodesLinearly(json)
    ? encode
    : (text) =>
        guarded(where, () => withinTime(MOST_SECONDS, `${where}: to encode a text`, () => encode(text)));
}

/** Strings and regular expressions that grow beyond what can be, and stacks. */
function guarded<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError)
      throw new UserError(`${where}: what it makes of a text is too large`);
    throw error;
  }
}

/** Pieces remembered at most, and the longest one that is (UTF-16 units): some 10 MB. */
const MOST_REMEMBERED = 1 << 16;
const LONGEST_REMEMBERED = 64;

function remembering(model: Model): Model {
  const remembered = new Map<string, number[]>();
  return (piece) => {
    const before = remembered.get(piece);
    if (before !== undefined) return before;
    const ids = model(piece);
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    if (piece.length <= LONGEST_REMEMBERED) remembered.set(piece, ids);
    return ids;
  };
}

function decoder(
  json: TokenizerJson,
  config: TokenizerConfig,
  ids: ReadonlyMap<string, number>,
  ends: readonly number[],
  where: string,
): Tokenizer['decode'] {
  const names: string[] = [];
  for (const [name, value] of ids) names[value] = name;
  const silent = new Set([
    ...json.added_tokens.filter(({ special }) => special).map(({ id }) => id),
    ...ends,
  ]);
  const chain: Decoder = json.decoder ? decoderOf(json.decoder, where) : (tokens) => [tokens.join(' ')];
  const tidies =
    config.clean_up_tokenization_spaces === true &&
    (json.model.type !== 'BPE' ||
      config.clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output === true);
  const decode = (tokens: ArrayLike<number>): string => {
    const said: string[] = [];
    for (const token of Array.from(tokens)) if (!silent.has(token)) said.push(names[token] ?? '\ufffd');
    const text = chain(said).join('');
    return tidies ? cleanUp(text) : text;
  };
  return !json.decoder || decodesLinearly(json.decoder)
    ? decode
    : (tokens) =>
        guarded(where, () => withinTime(MOST_SECONDS, `${where}: to decode a text`, () => decode(tokens)));
}
