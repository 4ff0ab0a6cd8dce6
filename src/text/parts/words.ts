/** Models of whole words: WordPiece, which takes the longest token that a word goes on with, and WordLevel. */
import { z } from 'zod';
import { UserError } from '../../store/errors.js';
import { type Vocabulary, vocabulary } from './common.js';
import type { Model } from './kinds.js';

export const wordPieceSchema = z.looseObject({
  type: z.literal('WordPiece'),
  vocab: vocabulary,
  unk_token: z.string().default('[UNK]'),
  continuing_subword_prefix: z.string().default('##'),
  max_input_chars_per_word: z.number().int().positive().default(100),
});
export const wordLevelSchema = z.looseObject({
  type: z.literal('WordLevel'),
  vocab: vocabulary,
  unk_token: z.string(),
});

function unknownOf(name: string, ids: Vocabulary, where: string): number {
  const unknown = ids.get(name);
  if (unknown === undefined)
    throw new UserError(
      `${where}: the vocabulary has no ${JSON.stringify(name.slice(0, 50))}, its "unk_token"`,
    );
  return unknown;
}

export function wordLevel(
  { unk_token }: z.infer<typeof wordLevelSchema>,
  ids: Vocabulary,
  where: string,
): Model {
  const unknown = unknownOf(unk_token, ids, where);
  return (piece) => [ids.get(piece) ?? unknown];
}

export function wordPiece(json: z.infer<typeof wordPieceSchema>, ids: Vocabulary, where: string): Model {
  const { unk_token, continuing_subword_prefix: prefix, max_input_chars_per_word: most } = json;
  const unknown = unknownOf(unk_token, ids, where);
  let longest = 0;
  for (const name of ids.keys()) longest = Math.max(longest, name.length);
  return (piece) => {
    const chars = Array.from(piece);
    if (chars.length > most) return [unknown];
    const out: number[] = [];
    for (let start = 0; start < chars.length; ) {
      let end = Math.min(chars.length, start + longest);
      let known: number | undefined;
      for (; end > start && known === undefined; end--)
        known = ids.get((start > 0 ? prefix : '') + chars.slice(start, end).join(''));
      if (known === undefined) return [unknown];
      out.push(known);
      start = end + 1;
    }
    return out;
  };
}
