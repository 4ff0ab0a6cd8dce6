import { describe, expect, it } from 'vitest';
import { likeness } from '../../../src/tasks/file/likeness.js';

describe('likeness, F1 of ROUGE-L', () => {
  it.each([
    ['the cat sat on the mat', 'the cat sat on the mat', 1],
    ['Dana PAYS rent', 'dana pays Rent', 1],
    // The longest common subsequence is "the mat": 2 of 3 words, 2 of 6.
    ['on the mat', 'the cat sat near a mat', (2 * (2 / 3) * (2 / 6)) / (2 / 3 + 2 / 6)],
    // Order counts, across sentences too: 2 of 4 tokens, the full stops being tokens.
    ['Rent is due . Dana pays .', 'Dana pays . Rent is due .', 4 / 7],
    ['nothing shared', 'entirely other words', 0],
    ['', 'words', 0],
    ['words', ' ', 0],
  ])('of %j to %j is %f', (output, reference, expected) => {
    expect(likeness(output, reference)).toBeCloseTo(expected, 12);
  });

  it('is the same both ways round', () => {
    expect(likeness('a b c d', 'b d e')).toBeCloseTo(likeness('b d e', 'a b c d'), 12);
  });
});
