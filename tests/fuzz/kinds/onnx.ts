/** A judge's ONNX file, and the config.json beside it, as onnxruntime and transformers.js read them. */
import { gpt2Config } from '../../../src/lm/architectures/gpt2.js';
import { saveLM } from '../../../src/lm/files.js';
import { CausalLM } from '../../../src/lm/model.js';
import { exportOnnx } from '../../../src/lm/onnx.js';
import { loadTransformers } from '../../../src/rankers/answer-model/transformers.js';
import type { Kind } from '../kind.js';
import { mutated } from '../mutate.js';
import { mutatedJson } from '../mutate-json.js';
import { filesOf } from './model.js';

export const onnx: Kind = {
  name: 'onnx',
  share: 4,
  examples: async () => [
    {
      name: 'a model',
      files: await filesOf(async (dir) => {
        const sizes = { n_layer: 1, n_head: 2, n_embd: 4, n_positions: 16, vocab_size: 20 };
        const lm = CausalLM.init(gpt2Config(sizes), 1);
        await saveLM(lm, dir);
        lm.dispose();
        await exportOnnx(dir);
      }),
      wrong: { 'onnx/model.onnx': mutated, 'config.json': mutatedJson },
      read: async (dir) => {
        const host = await loadTransformers(dir, 1);
        try {
          await host.lastLogits([{ prefix: [1, 2], suffixes: [[3], [4, 5]] }], [6, 7]);
        } finally {
          await host.close();
        }
      },
    },
  ],
};
