import type { Example } from '../lm/batch.js';
import type { Tokenizer } from '../text/tokenizer.js';
import type { Piece } from './corpus.js';

/** Pieces as token ids with a loss weight each. Pieces are encoded one by one, as prompt and completion are in use. */
export function toExample(pieces: readonly Piece[], tokenizer: Tokenizer): Example {
  const ids: number[] = [];
  const weights: number[] = [];
  for (const { text, weight, newWeight, end } of pieces) {
    const known = newWeight && new Set(tokenizer.encode(` ${newWeight.not}`));
    for (const id of tokenizer.encode(text)) {
      ids.push(id);
      weights.push(known && !known.has(id) ? newWeight!.weight : weight);
    }
    if (end) {
      ids.push(tokenizer.eos);
      weights.push(weight);
    }
  }
  return { ids, weights };
}
