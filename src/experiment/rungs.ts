/**
 * The ladder: refiners of growing size, each trained from nothing on the instruction corpus with the same number of
 * examples, to see at which size feedback begins to be used. In the papers only the largest models did (Scheurer et al. 2022).
 */
import { dirname } from 'node:path';
import { gpt2Config } from '../lm/architectures/gpt2.js';
import { CausalLM } from '../lm/model.js';
import { improveSequence, refineCase, refineSequence, summarySequence } from '../pretrain/corpus.js';
import { trainPhase } from '../pretrain/phase.js';
import { toExample } from '../pretrain/sequences.js';
import { makeFolder } from '../store/destination.js';
import { writeFolderAtomic } from '../store/folder.js';
import { random } from '../tasks/random.js';
import { loadTokenizer } from '../text/tokenizer.js';
import { saveModel } from '../writers/text-model.js';

/** Smallest first; the last is as large as the embedded models. */
export const rungs = [
  { name: '2 × 32', n_layer: 2, n_head: 2, n_embd: 32 },
  { name: '3 × 64', n_layer: 3, n_head: 4, n_embd: 64 },
  { name: '4 × 96', n_layer: 4, n_head: 4, n_embd: 96 },
  { name: '5 × 128', n_layer: 5, n_head: 4, n_embd: 128 },
] as const;
export type Rung = (typeof rungs)[number];

/** Shares of the mixture; the rest are refinements without feedback. */
const mix = { summary: 0.25, refine: 0.65 };
const SEQUENCES = 24;
/** Of 128 numbers' width; narrower models take larger steps, as 1/√width. */
const LR = 3e-3;

/**
 * Trains a rung for `steps` steps of 24 examples, the same ones on every rung, and writes it to `dir`. A checkpoint beside it
 * makes a killed training go on.
 */
export async function trainRung(
  { n_layer, n_head, n_embd }: Rung,
  steps: number,
  seed: number,
  tokenizerDir: string,
  dir: string,
  onStep: (step: number, steps: number) => void,
): Promise<void> {
  await makeFolder(dirname(dir));
  const tokenizer = await loadTokenizer(tokenizerDir);
  const example = (i: number) => {
    const r = random('ladder', seed, i);
    const of = refineCase(r.int(1e6), () => undefined);
    const draw = r.float();
    if (draw < mix.summary) return toExample(summarySequence(of.post, r), tokenizer);
    if (draw < mix.summary + mix.refine) return toExample(refineSequence(of, r), tokenizer);
    return toExample(improveSequence(of, r), tokenizer);
  };
  const config = gpt2Config({ n_layer, n_head, n_embd, n_positions: 512, vocab_size: tokenizer.vocabSize });
  const lm = await trainPhase(
    {
      name: 'ladder',
      steps,
      lr: LR * Math.sqrt(128 / n_embd),
      seed,
      source: (step) => Array.from({ length: SEQUENCES }, (_, i) => example(step * SEQUENCES + i)),
    },
    async () => CausalLM.init(config, seed),
    `${dir}.checkpoint`,
    `${dir}.log.jsonl`,
    onStep,
  );
  try {
    await writeFolderAtomic(dir, async (temporary) => {
      await saveModel(lm, tokenizerDir, temporary);
    });
  } finally {
    lm.dispose();
  }
}
