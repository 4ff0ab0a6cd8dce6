/** The sampler against a second pass over what it drew, on a small random model. */
import { gpt2Config } from '../../lm/architectures/gpt2.js';
import { CausalLM } from '../../lm/model.js';
import { sample } from '../../lm/sample.js';
import { scoreCompletions } from '../../lm/score.js';
import { difference } from './compare.js';

const SIZES = { n_layer: 2, n_head: 2, n_embd: 32, n_positions: 32, vocab_size: 67 };
const PROMPTS = [[12, 3, 44, 5, 61, 7, 30, 9, 2], [50, 8, 21, 33], [17]];

export interface Drawn {
  tokens: number[];
  /** What the sampler says of each. */
  logprobs: number[];
  /** From what the second pass says, relative to the largest. */
  difference: number;
}

/** So many texts for each of three prompts, on the current engine. */
async function drawEach(n: number): Promise<Drawn> {
  const lm = CausalLM.init(gpt2Config(SIZES), 2);
  const options = { maxNewTokens: 12, temperature: 1.3, topK: 0, topP: 0.9, seed: 3, stopIds: [0] };
  const drawn = await sample(lm, PROMPTS, n, options);
  const items = drawn.flatMap((rows, p) => rows.map(({ ids }) => ({ prompt: PROMPTS[p]!, completion: ids })));
  const again = await scoreCompletions(lm, items);
  lm.dispose();
  const logprobs = drawn.flat().flatMap((row) => row.logprobs);
  const said = again.flatMap((values) => [...values]);
  return { tokens: drawn.flat().flatMap(({ ids }) => ids), logprobs, difference: difference(logprobs, said) };
}

/** Few texts and many: the CUDA kernels have a way of their own for few. */
export async function draw(): Promise<Drawn> {
  const [few, many] = [await drawEach(1), await drawEach(5)];
  return {
    tokens: [...few.tokens, ...many.tokens],
    logprobs: [...few.logprobs, ...many.logprobs],
    difference: Math.max(few.difference, many.difference),
  };
}
