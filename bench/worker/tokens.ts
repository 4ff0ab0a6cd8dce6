/** `count` sequences of `length` tokens, uniform over the vocabulary. */
import { randomStream } from '../../src/lm/random.js';

export function randomTokens(count: number, length: number, vocab: number): number[][] {
  return Array.from({ length: count }, (_, i) => {
    const uniform = randomStream(0, i);
    return Array.from({ length }, () => Math.floor(uniform() * vocab));
  });
}
