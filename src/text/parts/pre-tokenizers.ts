/** Pre-tokenizers: the pieces of a text that no token reaches across. */
import { z } from 'zod';
import { UserError } from '../../store/errors.js';
import { BYTE_CHARS, PRE_TOKENS } from '../byte-level.js';
import { char, eachOf, listOf, oneOf, PUNCTUATION, pattern } from './common.js';
import type { PreTokenizer } from './kinds.js';

const behavior = z.enum(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']);
type Behavior = z.infer<typeof behavior>;

const single = [
  z.looseObject({ type: z.enum(['Whitespace', 'WhitespaceSplit', 'BertPreTokenizer']) }),
  z.looseObject({
    type: z.literal('ByteLevel'),
    add_prefix_space: z.boolean().default(true),
    use_regex: z.boolean().default(true),
  }),
  z.looseObject({ type: z.literal('Split'), pattern, behavior, invert: z.boolean().default(false) }),
  z.looseObject({ type: z.literal('Punctuation'), behavior: behavior.default('Isolated') }),
  z.looseObject({ type: z.literal('Digits'), individual_digits: z.boolean().default(false) }),
  z.looseObject({
    type: z.literal('Metaspace'),
    replacement: char.default('▁'),
    prepend_scheme: z.enum(['first', 'never', 'always']).optional(),
    add_prefix_space: z.boolean().optional(),
    split: z.boolean().default(true),
  }),
] as const;
const sequence = z.looseObject({ type: z.literal('Sequence'), pretokenizers: listOf(oneOf(single)) });
export const preTokenizerSchema = oneOf([...single, sequence]);
export type PreTokenizerJson = z.infer<typeof preTokenizerSchema>;

/** @throws UserError for regular expressions that cannot be run */
export function preTokenizerOf(json: PreTokenizerJson, where: string): PreTokenizer {
  switch (json.type) {
    case 'Whitespace':
      return (text) => text.match(WORDS) ?? [];
    case 'WhitespaceSplit':
      return (text) => text.match(/\P{White_Space}+/gu) ?? [];
    case 'BertPreTokenizer':
      return (text) => text.match(BERT) ?? [];
    case 'ByteLevel':
      return byteLevel(json);
    case 'Split': {
      const each = eachOf(json.pattern, where);
      return (text) => split(text, matches(text, each, json.invert), json.behavior);
    }
    case 'Punctuation':
      return (text) => split(text, matches(text, ONE_PUNCTUATION), json.behavior);
    case 'Digits': {
      const how = json.individual_digits ? 'Isolated' : 'Contiguous';
      return (text) => split(text, matches(text, /\p{N}/gu), how);
    }
    case 'Metaspace':
      return metaspace(json, where);
    case 'Sequence': {
      const all = json.pretokenizers.map((one) => preTokenizerOf(one, where));
      return (text, first) =>
        all.reduce(
          (pieces, preTokenize) => pieces.flatMap((piece, i) => preTokenize(piece, first && i === 0)),
          [text],
        );
    }
    default:
      return json satisfies never as never;
  }
}

const WORDS =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;
const BERT = new RegExp(`[${PUNCTUATION}]|[^${PUNCTUATION}\\p{White_Space}]+`, 'gu');
const ONE_PUNCTUATION = new RegExp(`[${PUNCTUATION}]`, 'gu');

type Of<T extends PreTokenizerJson['type']> = Extract<PreTokenizerJson, { type: T }>;

function byteLevel({ add_prefix_space, use_regex }: Of<'ByteLevel'>): PreTokenizer {
  return (text) => {
    const whole = add_prefix_space && !text.startsWith(' ') ? ` ${text}` : text;
    const pieces = use_regex ? (whole.match(PRE_TOKENS) ?? []) : [whole];
    return pieces.map(inByteChars);
  };
}

/** A text with a character for each of its bytes. */
export function inByteChars(text: string): string {
  if (/^[!-~]*$/.test(text)) return text;
  let out = '';
  for (const byte of Buffer.from(text)) out += BYTE_CHARS[byte];
  return out;
}

function metaspace(json: Of<'Metaspace'>, where: string): PreTokenizer {
  const { replacement, split: splits, add_prefix_space } = json;
  const scheme = json.prepend_scheme ?? (add_prefix_space === false ? 'never' : 'always');
  if (add_prefix_space !== undefined && json.prepend_scheme !== undefined)
    if (add_prefix_space !== (scheme !== 'never'))
      throw new UserError(`${where}: "add_prefix_space" and "prepend_scheme" contradict each other`);
  return (text, first) => {
    const replaced = text.replaceAll(' ', replacement);
    const prepends = scheme === 'always' || (scheme === 'first' && first);
    const whole = prepends && !replaced.startsWith(replacement) ? replacement + replaced : replaced;
    if (!splits) return [whole];
    const marks: Span[] = [];
    for (let at = whole.indexOf(replacement); at >= 0; at = whole.indexOf(replacement, at + 1))
      marks.push([at, at + replacement.length, true]);
    return split(whole, filled(whole, marks), 'MergedWithNext');
  };
}

/** A stretch of a text, and whether the pattern matches it. */
type Span = [from: number, to: number, match: boolean];

/** The stretches that a text consists of. */
function matches(text: string, each: RegExp, invert = false): Span[] {
  const found: Span[] = [];
  for (const match of text.matchAll(each)) found.push([match.index, match.index + match[0].length, true]);
  const spans = filled(text, found);
  return invert ? spans.map(([from, to, match]) => [from, to, !match]) : spans;
}

function filled(text: string, found: readonly Span[]): Span[] {
  const spans: Span[] = [];
  let end = 0;
  for (const span of found) {
    if (span[0] > end) spans.push([end, span[0], false]);
    if (span[1] > span[0]) spans.push(span);
    end = span[1];
  }
  if (end < text.length) spans.push([end, text.length, false]);
  return spans;
}

function split(text: string, spans: readonly Span[], behavior: Behavior): string[] {
  const pieces: Span[] = [];
  const joins = (before: Span | undefined, isMatch: boolean): boolean => {
    if (!before) return false;
    switch (behavior) {
      case 'Removed':
      case 'Isolated':
        return false;
      case 'Contiguous':
        return before[2] === isMatch;
      case 'MergedWithPrevious':
        return isMatch && !before[2];
      case 'MergedWithNext':
        return !isMatch && before[2];
      default:
        return behavior satisfies never;
    }
  };
  for (const span of spans) {
    const [from, to, isMatch] = span;
    const before = pieces.at(-1);
    // What was joined counts as the part that came last: a match takes one neighbour, not all.
    if (joins(before, isMatch)) pieces[pieces.length - 1] = [before![0], to, isMatch];
    else if (!(behavior === 'Removed' && isMatch)) pieces.push([from, to, isMatch]);
  }
  return pieces.map(([from, to]) => text.slice(from, to));
}
