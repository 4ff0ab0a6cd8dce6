/** From a text to ids: a tokenizer's parts, one after another. */
import { finderOf } from './added-tokens.js';
import { encodesLinearly } from './linear.js';
import { bpe } from './parts/bpe.js';
import { checkLength } from './parts/common.js';
import type { Model } from './parts/kinds.js';
import { normalizerOf } from './parts/normalizers.js';
import { preTokenizerOf } from './parts/pre-tokenizers.js';
import { unigram } from './parts/unigram.js';
import { wordLevel, wordPiece } from './parts/words.js';
import { limited } from './time-limit.js';
import { type TokenizerJson, tokenIds } from './tokenizer-json.js';

/** @throws UserError for a part that cannot be used */
export function encoder(json: TokenizerJson, where: string): (text: string) => number[] {
  const normalize = json.normalizer ? normalizerOf(json.normalizer, where) : (text: string) => text;
  const preTokenize = json.pre_tokenizer
    ? preTokenizerOf(json.pre_tokenizer, where)
    : (text: string) => [text];
  const find = finderOf(json.added_tokens, normalize);
  const model = remembering(modelOf(json, where));
  const encode = (text: string): number[] => {
    checkLength(text.length, where);
    const out: number[] = [];
    let first = true;
    for (const stretch of find(wellFormed(text))) {
      if (typeof stretch === 'number') out.push(stretch);
      else
        for (const piece of preTokenize(stretch, first)) {
          if (piece !== '') for (const id of model(piece)) out.push(id);
        }
      first = false;
    }
    return out;
  };
  return encodesLinearly(json) ? encode : (text) => limited(`${where}: to encode a text`, () => encode(text));
}

/** Half of a surrogate pair is no character: it becomes U+FFFD, as it does in UTF-8. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

function modelOf({ model }: TokenizerJson, where: string): Model {
  const ids = tokenIds({ model, added_tokens: [] });
  switch (model.type) {
    case 'BPE':
      return bpe(model, ids, where);
    case 'Unigram':
      return unigram(model, where);
    case 'WordPiece':
      return wordPiece(model, ids, where);
    case 'WordLevel':
      return wordLevel(model, ids, where);
    default:
      return model satisfies never as never;
  }
}

/** Pieces remembered at most, and the longest one that is (UTF-16 units): some 10 MB. */
const MOST_REMEMBERED = 1 << 16;
const LONGEST_REMEMBERED = 64;

function remembering(model: Model): Model {
  const remembered = new Map<string, number[]>();
  return (piece) => {
    const before = remembered.get(piece);
    if (before !== undefined) return before;
    const ids = model(piece);
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    if (piece.length <= LONGEST_REMEMBERED) remembered.set(piece, ids);
    return ids;
  };
}
