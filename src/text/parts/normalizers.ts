/** Normalizers: what happens to a text before it is split. */
import { z } from 'zod';
import { checkLength, content, eachOf, listOf, oneOf, pattern, replaceEach } from './common.js';
import type { Normalizer } from './kinds.js';

const single = [
  z.looseObject({ type: z.enum(['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents']) }),
  z.looseObject({ type: z.literal('Prepend'), prepend: content }),
  z.looseObject({ type: z.literal('Strip'), strip_left: z.boolean(), strip_right: z.boolean() }),
  z.looseObject({ type: z.literal('Replace'), pattern, content }),
  z.looseObject({
    type: z.literal('BertNormalizer'),
    clean_text: z.boolean().default(true),
    handle_chinese_chars: z.boolean().default(true),
    strip_accents: z.boolean().nullish(),
    lowercase: z.boolean().default(true),
  }),
] as const;
const sequence = z.looseObject({ type: z.literal('Sequence'), normalizers: listOf(oneOf(single)) });
export const normalizerSchema = oneOf([...single, sequence]);
export type NormalizerJson = z.infer<typeof normalizerSchema>;

/** A letter at a time: a capital sigma at the end of a word becomes σ, as in Rust's characters. */
const lowercase: Normalizer = (text) => Array.from(text, (char) => char.toLowerCase()).join('');
const stripAccents: Normalizer = (text) => text.normalize('NFD').replace(/\p{Mn}/gu, '');

/** @throws UserError for regular expressions that cannot be run */
export function normalizerOf(json: NormalizerJson, where: string): Normalizer {
  switch (json.type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => text.normalize(json.type);
    case 'Lowercase':
      return lowercase;
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '');
    case 'Prepend':
      return (text) => (text === '' ? '' : json.prepend + text);
    case 'Strip': {
      const left = json.strip_left ? /^\p{White_Space}+/u : /(?!)/;
      const right = json.strip_right ? /\p{White_Space}+$/u : /(?!)/;
      return (text) => text.replace(left, '').replace(right, '');
    }
    case 'Replace': {
      const each = eachOf(json.pattern, where);
      return (text) => replaceEach([text], each, json.content, where)[0]!;
    }
    case 'BertNormalizer':
      return bertNormalizer(json);
    case 'Sequence': {
      const all = json.normalizers.map((one) => normalizerOf(one, where));
      return (text) =>
        all.reduce((before, normalize) => {
          const after = normalize(before);
          checkLength(after.length, where);
          return after;
        }, text);
    }
    default:
      return json satisfies never as never;
  }
}

type Bert = Extract<NormalizerJson, { type: 'BertNormalizer' }>;

function bertNormalizer({
  clean_text,
  handle_chinese_chars,
  strip_accents,
  lowercase: low,
}: Bert): Normalizer {
  const steps: Normalizer[] = [];
  if (clean_text)
    steps.push((text) =>
      text.replace(/[\0\ufffd\p{Cf}\p{Co}]|(?![\t\n\r])\p{Cc}/gu, '').replace(/\p{White_Space}/gu, ' '),
    );
  if (handle_chinese_chars) steps.push((text) => text.replace(CHINESE, ' $& '));
  if (strip_accents ?? low) steps.push(stripAccents);
  if (low) steps.push(lowercase);
  return (text) => steps.reduce((before, step) => step(before), text);
}

/** The blocks that BERT's own code calls Chinese. */
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;
