/** Unigram: of all ways to cut a piece into tokens, the one with the highest sum of scores. */
import { z } from 'zod';
import { UserError } from '../../store/errors.js';
import { bytesOf } from './bpe.js';
import { id, listOf, type Vocabulary } from './common.js';
import type { Model } from './kinds.js';

export const unigramSchema = z.looseObject({
  type: z.literal('Unigram'),
  /** Tokens and their scores, in the order of the ids. */
  vocab: listOf(z.tuple([z.string(), z.number()])),
  unk_id: id.nullish(),
  byte_fallback: z.boolean().nullish(),
});

/** What an unknown character scores below the least. */
const PENALTY = 10;

/** A piece of n characters takes n times the longest token's steps. @throws UserError where there is no unknown token */
export function unigram(
  { vocab, unk_id, byte_fallback }: z.infer<typeof unigramSchema>,
  where: string,
): Model {
  if (unk_id == null || unk_id >= vocab.length)
    throw new UserError(`${where}: "model.unk_id" is no token of the vocabulary`);
  const ids: Vocabulary = new Map(vocab.map(([name], i) => [name, i]));
  let [longest, least] = [1, Number.POSITIVE_INFINITY];
  for (const [name, score] of vocab) {
    longest = Math.max(longest, Array.from(name).length);
    least = Math.min(least, score);
  }
  const unknownScore = least - PENALTY;
  const idsOf = (name: string): number[] => {
    const known = ids.get(name);
    if (known !== undefined) return [known];
    return (byte_fallback ? bytesOf(name, ids) : undefined) ?? [unk_id];
  };

  return (piece) => {
    const chars = Array.from(piece);
    const n = chars.length;
    const best = new Float64Array(n + 1);
    /** [end] → where the best path's last token begins, or −1. */
    const from = new Int32Array(n + 1).fill(-1);
    const isUnknown = new Uint8Array(n + 1);
    const offer = (start: number, end: number, score: number, unknown: boolean): void => {
      const sum = best[start]! + score;
      if (from[end]! >= 0 && sum <= best[end]!) return;
      best[end] = sum;
      from[end] = start;
      isUnknown[end] = unknown ? 1 : 0;
    };
    for (let start = 0; start < n; start++) {
      let name = '';
      let single = false;
      for (let end = start + 1; end <= Math.min(n, start + longest); end++) {
        name += chars[end - 1];
        const known = ids.get(name);
        if (known === undefined) continue;
        offer(start, end, vocab[known]![1], known === unk_id);
        single ||= end === start + 1;
      }
      if (!single) offer(start, start + 1, unknownScore, true);
    }
    const tokens: number[][] = [];
    for (let end = n; end > 0; ) {
      let start = from[end]!;
      // Unknown characters in a row are one token.
      if (isUnknown[end]) while (start > 0 && isUnknown[start]) start = from[start]!;
      tokens.push(idsOf(chars.slice(start, end).join('')));
      end = start;
    }
    return tokens.reverse().flat();
  };
}
