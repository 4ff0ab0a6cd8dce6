/** Byte-pair encoding: the two neighbours whose merge comes first in the list are joined, again and again. */
import { z } from 'zod';
import { UserError } from '../../store/errors.js';
import { listOf, type Vocabulary, vocabulary } from './common.js';
import type { Model } from './kinds.js';

export const bpeSchema = z.looseObject({
  type: z.literal('BPE'),
  vocab: vocabulary,
  merges: listOf(z.union([z.string(), z.tuple([z.string(), z.string()])], 'must be two tokens')),
  /** Merges left out by chance: for training alone. */
  dropout: z.literal(0, 'a tokenizer that leaves merges out by chance cannot be used').nullish(),
  unk_token: z.string().nullish(),
  continuing_subword_prefix: z.string().nullish(),
  end_of_word_suffix: z.string().nullish(),
  fuse_unk: z.boolean().nullish(),
  byte_fallback: z.boolean().nullish(),
  ignore_merges: z.boolean().nullish(),
});
type BpeJson = z.infer<typeof bpeSchema>;

/** Ids are below this, so that a pair of them is one exact number. */
const PAIR = 2 ** 24;

/** A piece of n characters takes n log n steps. @throws UserError for merges of tokens that are not there */
export function bpe(json: BpeJson, ids: Vocabulary, where: string): Model {
  const { ignore_merges } = json;
  const merges = mergesOf(json, ids, where);
  const start = symbolsOf(json, ids, where);
  return (piece) => {
    const whole = ignore_merges ? ids.get(piece) : undefined;
    return whole === undefined ? mergeAll(start(piece), merges) : [whole];
  };
}

/** Pair of ids → [its place in the list, the id of the two together]. */
type Merges = ReadonlyMap<number, readonly [rank: number, merged: number]>;

function mergesOf({ merges, continuing_subword_prefix }: BpeJson, ids: Vocabulary, where: string): Merges {
  const prefix = continuing_subword_prefix?.length ?? 0;
  const of = new Map<number, readonly [number, number]>();
  for (const [rank, merge] of merges.entries()) {
    const parts = typeof merge === 'string' ? merge.split(' ') : merge;
    const [left, right] = parts;
    if (parts.length !== 2 || !left || !right)
      throw new UserError(
        `${where}: "model.merges.${rank}": two tokens with a space between them are needed`,
      );
    const both = left + right.slice(prefix);
    const [a, b, merged] = [ids.get(left), ids.get(right), ids.get(both)];
    if (a === undefined || b === undefined || merged === undefined)
      throw new UserError(
        `${where}: "model.merges.${rank}" is of a token that the vocabulary has not: ${JSON.stringify(both.slice(0, 50))}`,
      );
    of.set(a * PAIR + b, [rank, merged]);
  }
  return of;
}

/** A piece's characters as ids. */
function symbolsOf(json: BpeJson, ids: Vocabulary, where: string): (piece: string) => number[] {
  const {
    unk_token,
    continuing_subword_prefix: prefix,
    end_of_word_suffix: suffix,
    fuse_unk,
    byte_fallback,
  } = json;
  const unknown = unk_token == null ? undefined : ids.get(unk_token);
  if (unk_token != null && unknown === undefined)
    throw new UserError(
      `${where}: the vocabulary has no ${JSON.stringify(unk_token.slice(0, 50))}, its "unk_token"`,
    );
  return (piece) => {
    const chars = Array.from(piece);
    const out: number[] = [];
    let afterUnknown = false;
    for (const [i, char] of chars.entries()) {
      const name = (i > 0 && prefix ? prefix : '') + char + (i === chars.length - 1 && suffix ? suffix : '');
      const known = ids.get(name);
      const bytes = known === undefined && byte_fallback ? bytesOf(name, ids) : undefined;
      if (known !== undefined) out.push(known);
      else if (bytes) out.push(...bytes);
      else if (unknown !== undefined && !(afterUnknown && fuse_unk)) out.push(unknown);
      afterUnknown = known === undefined && !bytes;
    }
    return out;
  };
}

/** A name as tokens for its bytes; undefined where one of them is not there. */
export function bytesOf(name: string, ids: Vocabulary): number[] | undefined {
  const tokens = Array.from(Buffer.from(name), (byte) =>
    ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  );
  return tokens.includes(undefined) ? undefined : (tokens as number[]);
}

/** Places are below this; a merge's rank times it, and its place, are one exact number. */
const PLACES = 2 ** 30;

function mergeAll(ids: number[], merges: Merges): number[] {
  const n = ids.length;
  if (n < 2) return ids;
  const next = Int32Array.from({ length: n }, (_, i) => i + 1);
  const previous = Int32Array.from({ length: n }, (_, i) => i - 1);
  const gone = new Uint8Array(n);
  const heap = new Heap();
  const offer = (at: number): void => {
    const after = next[at]!;
    const merge = after < n ? merges.get(ids[at]! * PAIR + ids[after]!) : undefined;
    if (merge) heap.push(merge[0] * PLACES + at);
  };
  for (let at = 0; at + 1 < n; at++) offer(at);
  for (let first = heap.pop(); first !== undefined; first = heap.pop()) {
    const at = first % PLACES;
    const after = next[at]!;
    if (gone[at] || after >= n) continue;
    // It may have been merged otherwise since it was offered.
    const merge = merges.get(ids[at]! * PAIR + ids[after]!);
    if (merge === undefined || merge[0] * PLACES + at !== first) continue;
    ids[at] = merge[1];
    gone[after] = 1;
    next[at] = next[after]!;
    if (next[at]! < n) previous[next[at]!] = at;
    offer(at);
    if (previous[at]! >= 0) offer(previous[at]!);
  }
  return ids.filter((_, at) => !gone[at]);
}

/** Numbers, the least first. */
class Heap {
  private readonly of: number[] = [];

  push(value: number): void {
    const { of } = this;
    let at = of.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (of[parent]! <= value) break;
      of[at] = of[parent]!;
      at = parent;
    }
    of[at] = value;
  }

  pop(): number | undefined {
    const { of } = this;
    const least = of[0];
    const last = of.pop();
    if (last === undefined || of.length === 0) return least;
    let at = 0;
    for (let child = 1; child < of.length; child = 2 * at + 1) {
      if (child + 1 < of.length && of[child + 1]! < of[child]!) child++;
      if (of[child]! >= last) break;
      of[at] = of[child]!;
      at = child;
    }
    of[at] = last;
    return least;
  }
}
