/** Tokens that are looked for in a text before it is split: those of tokenizer.json's "added_tokens" that are not special. */
import { z } from 'zod';
import { id } from './parts/common.js';
import type { Normalizer } from './parts/kinds.js';

export const addedTokenSchema = z.looseObject({
  id,
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
  special: z.boolean().default(false),
});
export type AddedToken = z.infer<typeof addedTokenSchema>;

/** A stretch of text that is left to the model, or a token's id. */
export type Stretch = string | number;

/** A text's stretches. */
export type Finder = (text: string) => Stretch[];

/**
 * Finds the longest token at each place; those that are `normalized` in what the normalizer makes of the rest, which is what comes
 * out. A special token's name in a text is text.
 */
export function finderOf(tokens: readonly AddedToken[], normalize: Normalizer): Finder {
  const plain = tokens.filter(({ special }) => !special);
  const isNormalized = ({ normalized, special }: AddedToken) => normalized ?? !special;
  const asTheyAre = finder(plain.filter((token) => !isNormalized(token)));
  const normalized = finder(
    plain.filter(isNormalized).map((token) => ({ ...token, content: normalize(token.content) })),
  );
  return (text) =>
    asTheyAre(text).flatMap((stretch) =>
      typeof stretch === 'number' ? [stretch] : normalized(normalize(stretch)),
    );
}

const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const WORD_END = new RegExp(`${WORD}$`, 'u');
const WORD_START = new RegExp(`^${WORD}`, 'u');

function finder(tokens: readonly AddedToken[]): Finder {
  const of = new Map(tokens.filter(({ content }) => content !== '').map((token) => [token.content, token]));
  if (of.size === 0) return (text) => (text === '' ? [] : [text]);
  const placesIn = searchFor([...of.keys()]);
  return (text) => {
    const out: Stretch[] = [];
    let end = 0;
    for (const [index, content] of placesIn(text)) {
      const token = of.get(content)!;
      let [from, to] = [index, index + content.length];
      if (from < end) continue;
      if (token.single_word) {
        // Two units are the longest character.
        if (WORD_END.test(text.slice(Math.max(0, from - 2), from)) || WORD_START.test(text.slice(to, to + 2)))
          continue;
      }
      if (token.lstrip) while (from > end && /\p{White_Space}/u.test(text[from - 1]!)) from--;
      if (token.rstrip) while (to < text.length && /\p{White_Space}/u.test(text[to]!)) to++;
      if (from > end) out.push(text.slice(end, from));
      out.push(token.id);
      end = to;
    }
    if (end < text.length) out.push(text.slice(end));
    return out;
  };
}

/**
 * Where a text has one of these, from left to right, the longest of those that begin at a place. (An expression of alternatives is
 * too large for the regular expressions of JavaScript where a vocabulary adds tokens by the thousand.)
 */
function searchFor(contents: readonly string[]): (text: string) => Iterable<[at: number, content: string]> {
  const [known, firsts] = [new Set(contents), new Set(contents.map((content) => content.charCodeAt(0)))];
  const lengths = [...new Set(contents.map(({ length }) => length))].sort((a, b) => b - a);
  return function* (text) {
    for (let at = 0; at < text.length; ) {
      const length = firsts.has(text.charCodeAt(at))
        ? lengths.find((length) => known.has(text.slice(at, at + length)))
        : undefined;
      if (length !== undefined) yield [at, text.slice(at, at + length)];
      at += length ?? 1;
    }
  };
}
