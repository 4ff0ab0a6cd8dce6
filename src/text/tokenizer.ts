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
import type { AddedToken } from './added-tokens.js';
import { decoder } from './decoder.js';
import { encoder } from './encoder.js';
import { beginOf } from './post-processor.js';
import { readEnds, readTokenizerConfig, type TokenizerConfig } from './settings.js';
import { limited } from './time-limit.js';
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
    encode: limited(`${where}: to make its parts`, () => encoder(json, where)),
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
  // Hugging Face makes such a tokenizer anew from its SentencePiece model.
  if (add_prefix_space === false && /^(Code)?Llama/.test(config.tokenizer_class ?? '') && prepends(json))
    throw new UserError(
      `${where}: "add_prefix_space" is false, and tokenizer.json puts a space in front of texts; save the tokenizer again by transformers`,
    );
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

/** Whether a text is given a space, or what stands for one, in front. */
function prepends({ normalizer, pre_tokenizer }: TokenizerJson): boolean {
  const normalizers = normalizer?.type === 'Sequence' ? normalizer.normalizers : [normalizer];
  const splits = pre_tokenizer?.type === 'Sequence' ? pre_tokenizer.pretokenizers : [pre_tokenizer];
  return (
    normalizers.some((part) => part?.type === 'Prepend') ||
    splits.some((part) => part?.type === 'Metaspace' && part.prepend_scheme !== 'never')
  );
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
