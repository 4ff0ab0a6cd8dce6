/**
 * What the files beside tokenizer.json say of it: tokenizer_config.json, special_tokens_map.json, generation_config.json and
 * config.json. As transformers takes them.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../store/errors.js';
import { readJsonIfThere } from '../store/read-json.js';
import { addedTokenSchema } from './added-tokens.js';
import { END_OF_TEXT } from './byte-level.js';
import { id, listOf, mapOf, vocabulary } from './parts/common.js';

const tokenName = z.union([
  z.string(),
  z.looseObject({ content: z.string() }).transform((token) => token.content),
]);
const named = { bos_token: tokenName.nullish(), eos_token: tokenName.nullish() };
const configSchema = z.looseObject({
  ...named,
  tokenizer_class: z.string().nullish(),
  add_prefix_space: z.boolean().nullish(),
  add_bos_token: z.boolean().nullish(),
  do_lower_case: z.boolean().nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
  clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output: z.boolean().nullish(),
  added_tokens_decoder: mapOf(addedTokenSchema.omit({ id: true })).nullish(),
});
export type TokenizerConfig = z.infer<typeof configSchema>;
const mapSchema = z.looseObject(named);

/**
 * The folder's tokenizer_config.json, with what two older files say where it does not list added tokens itself:
 * special_tokens_map.json, which then comes first, and added_tokens.json.
 */
export async function readTokenizerConfig(dir: string): Promise<TokenizerConfig> {
  const config = await readJsonIfThere(join(dir, 'tokenizer_config.json'), configSchema);
  const map = await readJsonIfThere(join(dir, 'special_tokens_map.json'), mapSchema);
  const added = await readJsonIfThere(join(dir, 'added_tokens.json'), vocabulary);
  if (config?.added_tokens_decoder != null) return config;
  const { bos_token = config?.bos_token, eos_token = config?.eos_token } = map ?? {};
  const isSpecial = new Set(Object.values({ ...config, ...map, bos_token, eos_token }).map(nameOf));
  const decoder = [...(added ?? [])].map(([content, number]) => {
    const special = isSpecial.has(content);
    return [String(number), { content, special, single_word: false, lstrip: false, rstrip: false }] as const;
  });
  return { ...config, bos_token, eos_token, added_tokens_decoder: new Map(decoder) };
}

/** A token's name, where the value is one. */
const nameOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'content' in value ? value.content : value;

const oneOrMore = z.union([id.transform((one) => [one]), listOf(id)], 'must be an id, or a list of ids');
const modelSchema = z.looseObject({
  bos_token_id: id.nullish(),
  eos_token_id: oneOrMore.nullish(),
  vocab_size: z.number().int().positive().optional(),
});

/** The ids that begin and end a text, by the model's own files: generation_config.json comes before config.json. */
interface ModelEnds {
  begin: number | undefined;
  ends: readonly number[];
}

async function readModelEnds(dir: string): Promise<ModelEnds> {
  const config = await readJsonIfThere(join(dir, 'config.json'), modelSchema);
  const generation = await readJsonIfThere(join(dir, 'generation_config.json'), modelSchema);
  // GPT-2's own 50256 stands in many a smaller model's config.json: a token that is not there ends nothing.
  const below = config?.vocab_size ?? Number.POSITIVE_INFINITY;
  const ends = generation?.eos_token_id ?? config?.eos_token_id ?? [];
  return {
    begin:
      [generation?.bos_token_id, config?.bos_token_id].find((one) => one != null && one < below) ?? undefined,
    ends: ends.filter((end) => end < below),
  };
}

/** How texts of a model begin and end. */
export interface Ends {
  /** The id that is written behind a text. */
  eos: number;
  /** All ids that end one, the first of them `eos`. */
  ends: readonly number[];
  /** The id of the token that begins a text, where one is named. */
  bos: number | undefined;
}

/**
 * The end of text: what transformers' generate stops at, and of these the tokenizer's own where it is among them.
 * @throws UserError where no file names one that is there
 */
export async function readEnds(
  dir: string,
  { bos_token, eos_token }: Pick<TokenizerConfig, 'bos_token' | 'eos_token'>,
  ids: ReadonlyMap<string, number>,
): Promise<Ends> {
  const model = await readModelEnds(dir);
  const own = eos_token == null ? undefined : ids.get(eos_token);
  if (eos_token != null && own === undefined && model.ends.length === 0) throw noEnd(dir, eos_token);
  const bos = bos_token == null ? model.begin : ids.get(bos_token);
  if (model.ends.length > 0) {
    const eos = own !== undefined && model.ends.includes(own) ? own : model.ends[0]!;
    return { eos, ends: [...new Set([eos, ...model.ends])], bos };
  }
  const eos = own ?? ids.get(END_OF_TEXT);
  if (eos === undefined) throw noEnd(dir, END_OF_TEXT);
  return { eos, ends: [eos], bos };
}

const noEnd = (dir: string, name: string) =>
  new UserError(
    `cannot use ${join(dir, 'tokenizer.json')}: it has no token ${JSON.stringify(name.slice(0, 50))} to end a text with`,
  );
