import type { Tokenizer } from '../../src/text/tokenizer.js';

/**
 * A tokenizer of these pieces: a text is encoded by the longest piece that fits, again and again. Piece i has the id i + 1; 0 ends a
 * text. Shorter pieces say the same in other tokens, as models do that were not taught the tokenizer's own.
 */
export function pieceTokenizer(pieces: readonly string[], key = 'pieces'): Tokenizer {
  const inOrder = [...pieces].sort((a, b) => b.length - a.length);
  return {
    vocabSize: pieces.length + 1,
    eos: 0,
    ends: [0],
    begin: [],
    key,
    encode(text) {
      const ids: number[] = [];
      for (let at = 0; at < text.length; ) {
        const piece = inOrder.find((each) => text.startsWith(each, at));
        if (piece === undefined) throw new RangeError(`no piece for "${text.slice(at)}"`);
        ids.push(pieces.indexOf(piece) + 1);
        at += piece.length;
      }
      return ids;
    },
    decode: (ids) => Array.from(ids, (id) => (id === 0 ? '' : pieces[id - 1]!)).join(''),
  };
}
