/** Which tokenizers take time in proportion to a text, whatever the text is; the others are run with a limit on it. */
import { PRE_TOKENS } from './byte-level.js';
import type { DecoderJson } from './parts/decoders.js';
import type { NormalizerJson } from './parts/normalizers.js';
import type { PreTokenizerJson } from './parts/pre-tokenizers.js';
import type { TokenizerJson } from './tokenizer-json.js';

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const SPACES = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const UPPER = '\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}';
const LOWER = '\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}';
const likeCl100k = (digits: string): string =>
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`;
const likeO200k = (ends: string): string =>
  `[^\\r\\n\\p{L}\\p{N}]?[${UPPER}]*[${LOWER}]+${CONTRACTIONS}?|[^\\r\\n\\p{L}\\p{N}]?[${UPPER}]+[${LOWER}]*${CONTRACTIONS}?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+${ends}|${SPACES}`;

/** The regular expressions of well-known models: of GPT-2, GPT-4 (Llama 3's, too), Qwen, GPT-4o and DeepSeek. */
const KNOWN: ReadonlySet<string> = new Set([
  PRE_TOKENS.source.replaceAll('\\P{White_Space}', '\\S').replaceAll('\\p{White_Space}', '\\s'),
  likeCl100k('\\p{N}{1,3}'),
  likeCl100k('\\p{N}'),
  likeO200k('[\\r\\n]*'),
  likeO200k('[\\r\\n/]*'),
  '\\p{N}{1,3}',
  '[一-龥\u3040-ゟ゠-ヿ]+',
  `[!"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_\`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|${SPACES}`,
]);

type Pattern = { String: string } | { Regex: string };
const isKnown = (pattern: Pattern): boolean => !('Regex' in pattern) || KNOWN.has(pattern.Regex);

function normalizes(json: NormalizerJson): boolean {
  if (json.type === 'Sequence') return json.normalizers.every(normalizes);
  return json.type !== 'Replace' || isKnown(json.pattern);
}

function splits(json: PreTokenizerJson): boolean {
  if (json.type === 'Sequence') return json.pretokenizers.every(splits);
  return json.type !== 'Split' || isKnown(json.pattern);
}

export function decodesLinearly(json: DecoderJson): boolean {
  if (json.type === 'Sequence') return json.decoders.every(decodesLinearly);
  return json.type !== 'Replace' || isKnown(json.pattern);
}

/** Tokens that are looked for in a text at most: each place is compared with all. */
const MANY_ADDED = 1000;

export const encodesLinearly = ({ normalizer, pre_tokenizer, model, added_tokens }: TokenizerJson): boolean =>
  (!normalizer || normalizes(normalizer)) &&
  (!pre_tokenizer || splits(pre_tokenizer)) &&
  // The others look for long tokens at every place.
  model.type === 'BPE' &&
  added_tokens.length <= MANY_ADDED;
