/** Small models and texts for the tests of src/lm. */

import { type Gpt2Sizes, gpt2Config } from '../../src/lm/architectures/gpt2.js';
import type { Example } from '../../src/lm/batch.js';
import { CausalLM } from '../../src/lm/model.js';
import { randomStream } from '../../src/lm/random.js';

export const TINY: Gpt2Sizes = { n_layer: 2, n_head: 2, n_embd: 16, n_positions: 32, vocab_size: 23 };

export const tinyLM = (seed = 1, sizes: Gpt2Sizes = TINY) => CausalLM.init(gpt2Config(sizes), seed);

/** n texts of 3 to 14 tokens, weights 1 on the second half, 0.3 before. */
export function texts(n: number, seed = 1, vocab = TINY.vocab_size): Example[] {
  const uniform = randomStream(seed);
  return Array.from({ length: n }, () => {
    const ids = Array.from({ length: 3 + Math.floor(uniform() * 12) }, () => Math.floor(uniform() * vocab));
    return { ids, weights: ids.map((_, t) => (t * 2 < ids.length ? 0.3 : 1)) };
  });
}

export const weightsOf = (lm: CausalLM) =>
  Float32Array.from([...lm.params.values()].flatMap((v) => [...v.dataSync()]));
