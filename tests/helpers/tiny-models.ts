import { join } from 'node:path';
import { startEngine } from '../../src/engine/index.js';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { saveLM } from '../../src/lm/files.js';
import { CausalLM } from '../../src/lm/model.js';
import { exportOnnx } from '../../src/lm/onnx.js';
import { summarySequence } from '../../src/pretrain/corpus.js';
import { phrasings } from '../../src/tasks/briefs/annotator.js';
import { drawPost } from '../../src/tasks/briefs/post.js';
import { random } from '../../src/tasks/random.js';
import { judgePrompts } from '../../src/tasks/summarization.js';
import { buildGpt2Subset } from '../../src/text/gpt2-subset.js';
import { loadTokenizer } from '../../src/text/tokenizer.js';

/** Some of every kind of text that the loop's models read. */
function* corpus(): Generator<string> {
  for (let i = 0; i < 60; i++)
    for (const { text } of summarySequence(drawPost('base', i), random('tiny', i))) yield text;
  yield Object.values(phrasings).flat().join(' ');
  for (const prompt of judgePrompts)
    yield [prompt.prefix('a', 'b'), prompt.suffix('c', 'd', 'a'), prompt.positive, prompt.negative].join(
      '\n',
    );
}

/**
 * Writes DIR/base and DIR/instruct: randomly initialised models that run the whole loop in seconds and are good at nothing.
 * Larger than usual embeddings, so that their distributions are not all but uniform.
 */
export default async function writeTinyModels(dir: string): Promise<void> {
  await startEngine();
  for (const [name, seed] of [
    ['base', 1],
    ['instruct', 2],
  ] as const) {
    const model = join(dir, name);
    await buildGpt2Subset(corpus(), model);
    const { vocabSize } = await loadTokenizer(model);
    const sizes = { n_layer: 2, n_head: 2, n_embd: 32, n_positions: 512, vocab_size: vocabSize };
    const lm = CausalLM.init(gpt2Config(sizes), seed);
    for (const variable of [lm.wte]) variable.assign(variable.mul(8));
    await saveLM(lm, model);
    lm.dispose();
  }
  await exportOnnx(join(dir, 'instruct'));
}
