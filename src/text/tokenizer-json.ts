/** tokenizer.json, the format of the library `tokenizers` of Hugging Face, and GPT-2's older files: checked, part by part. */
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../store/errors.js';
import { firstIssue, oneLine, readJsonIfThere, readText } from '../store/read-json.js';
import { addedTokenSchema } from './added-tokens.js';
import { byteLevelJson, END_OF_TEXT } from './byte-level.js';
import { bpeSchema } from './parts/bpe.js';
import { listOf, oneOf, vocabulary } from './parts/common.js';
import { decoderSchema } from './parts/decoders.js';
import { normalizerSchema } from './parts/normalizers.js';
import { preTokenizerSchema } from './parts/pre-tokenizers.js';
import { unigramSchema } from './parts/unigram.js';
import { wordLevelSchema, wordPieceSchema } from './parts/words.js';
import { postProcessorSchema } from './post-processor.js';

const modelSchema = oneOf([bpeSchema, unigramSchema, wordPieceSchema, wordLevelSchema]);

export const tokenizerSchema = z.looseObject({
  added_tokens: listOf(addedTokenSchema).default([]),
  normalizer: normalizerSchema.nullish(),
  pre_tokenizer: preTokenizerSchema.nullish(),
  post_processor: postProcessorSchema.nullish(),
  decoder: decoderSchema.nullish(),
  model: z.preprocess(withType, modelSchema),
});
export type TokenizerJson = z.infer<typeof tokenizerSchema>;

/** Older files leave a model's type out: it follows from what else there is. */
function withType(model: unknown): unknown {
  if (typeof model !== 'object' || model === null || 'type' in model) return model;
  if ('merges' in model) return { ...model, type: 'BPE' };
  if ('vocab' in model && Array.isArray(model.vocab)) return { ...model, type: 'Unigram' };
  return { ...model, type: 'max_input_chars_per_word' in model ? 'WordPiece' : 'WordLevel' };
}

/** Reads vocab.json and merges.txt, GPT-2's own files, as the tokenizer.json that they amount to. */
async function readGpt2Files(dir: string): Promise<unknown> {
  const vocab = await readJsonIfThere(join(dir, 'vocab.json'), vocabulary);
  if (vocab === undefined) return undefined;
  const path = join(dir, 'merges.txt');
  const merges = (await readText(path))
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#version'));
  for (const merge of merges) {
    if (!/^\S+ \S+$/.test(merge))
      throw new UserError(`cannot use ${path}: "${oneLine(merge)}" is not two tokens`);
  }
  const endOfText = vocab.get(END_OF_TEXT);
  if (endOfText === undefined)
    throw new UserError(`cannot use ${join(dir, 'vocab.json')}: it has no ${END_OF_TEXT}`);
  return byteLevelJson(Object.fromEntries(vocab), merges, endOfText);
}

/** A folder's tokenizer: as it stands there, and checked; undefined where it has none. */
export interface FoundTokenizer {
  raw: unknown;
  json: TokenizerJson;
  /** Begins messages. */
  where: string;
}

/** @throws UserError where it cannot be used */
export async function readTokenizer(dir: string): Promise<FoundTokenizer | undefined> {
  const path = join(dir, 'tokenizer.json');
  const raw = (await readJsonIfThere(path, z.unknown())) ?? (await readGpt2Files(dir));
  if (raw === undefined) return undefined;
  const where = `cannot use ${path}`;
  return { raw, json: checked(raw, where), where };
}

function checked(raw: unknown, where: string): TokenizerJson {
  const parsed = tokenizerSchema.safeParse(raw);
  if (!parsed.success) throw new UserError(`${where}: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

/** Every token's id by its name. */
export function tokenIds({
  model,
  added_tokens,
}: Pick<TokenizerJson, 'model' | 'added_tokens'>): Map<string, number> {
  const listed =
    model.type === 'Unigram' ? model.vocab.map(([name], i): [string, number] => [name, i]) : model.vocab;
  return new Map([...listed, ...added_tokens.map((token): [string, number] => [token.content, token.id])]);
}
