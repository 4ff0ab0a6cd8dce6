/** The sampler against a second pass over what it drew, on a small random model. */
import type { NativeBackend } from '../../engine/backend.js';
import type { CudaNative } from '../../engine/engines/cuda/memory.js';
import * as tf from '../../engine/tf.js';
import { type Gpt2Sizes, gpt2Config } from '../../lm/architectures/gpt2.js';
import { CausalLM } from '../../lm/model.js';
import { sample } from '../../lm/sample.js';
import { scoreCompletions } from '../../lm/score.js';
import { difference } from './compare.js';

interface Trial {
  sizes: Gpt2Sizes;
  /** Tokens of each. */
  prompts: number[];
  /** Texts for each: the CUDA kernels have ways of their own for up to 8 rows, up to 64, and more. */
  texts: number[];
}

/** As wide as models are, so that what is split and shared among blocks is; and more keys than a block reads at once. */
const ON_GPU: Trial = {
  sizes: { n_layer: 2, n_head: 12, n_embd: 768, n_positions: 512, vocab_size: 8200 },
  prompts: [300, 40, 1],
  texts: [1, 7, 34],
};
/** What the emulation, and other engines, do in seconds. */
const ELSEWHERE: Trial = {
  sizes: { n_layer: 2, n_head: 2, n_embd: 32, n_positions: 32, vocab_size: 67 },
  prompts: [9, 4, 1],
  texts: [1, 5],
};

export interface Drawn {
  tokens: number[];
  /** What the sampler says of each. */
  logprobs: number[];
  /** From what the second pass says, relative to the largest. */
  difference: number;
}

/** So many texts for each prompt, on the current engine. */
async function drawEach({ sizes, prompts: lengths }: Trial, n: number): Promise<Drawn> {
  const lm = CausalLM.init(gpt2Config(sizes), 2);
  const prompts = lengths.map((length, p) =>
    Array.from({ length }, (_, t) => (12 + 37 * t + 5 * p) % sizes.vocab_size),
  );
  const options = { maxNewTokens: 12, temperature: 1.3, topK: 0, topP: 0.9, seed: 3, stopIds: [0] };
  const drawn = await sample(lm, prompts, n, options);
  const items = drawn.flatMap((rows, p) => rows.map(({ ids }) => ({ prompt: prompts[p]!, completion: ids })));
  const again = await scoreCompletions(lm, items);
  lm.dispose();
  const logprobs = drawn.flat().flatMap((row) => row.logprobs);
  const said = again.flatMap((values) => [...values]);
  return { tokens: drawn.flat().flatMap(({ ids }) => ids), logprobs, difference: difference(logprobs, said) };
}

/** On the current engine, from few texts to many. */
export async function draw(): Promise<Drawn> {
  const native = (tf.backend() as Partial<NativeBackend>).native as Partial<CudaNative> | undefined;
  const trial = native?.device?.().emulated === false ? ON_GPU : ELSEWHERE;
  const all: Drawn[] = [];
  for (const n of trial.texts) all.push(await drawEach(trial, n));
  return {
    tokens: all.flatMap(({ tokens }) => tokens),
    logprobs: all.flatMap(({ logprobs }) => logprobs),
    difference: Math.max(...all.map(({ difference }) => difference)),
  };
}
