// Model folders that are written: what is read again, and what transformers' generate needs.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { buildGpt2Subset } from '../../src/text/gpt2-subset.js';
import { loadTokenizer } from '../../src/text/tokenizer.js';
import { openModel, saveModel } from '../../src/writers/text-model.js';
import { tinyLM } from '../lm/helpers.js';
import { scratchFolder } from '../store/folder.js';

const scratch = scratchFolder();
const from = join(scratch, 'from');
const to = join(scratch, 'to');
const read = (name: string) => JSON.parse(readFileSync(join(to, name), 'utf8'));
let end: number;

beforeAll(async () => {
  await startEngine();
  await buildGpt2Subset(['a b'], from);
  end = (await loadTokenizer(from)).eos;
});

async function saved() {
  const { vocabSize } = await loadTokenizer(from);
  const lm = tinyLM(1, { n_layer: 1, n_head: 1, n_embd: 4, n_positions: 8, vocab_size: vocabSize });
  await saveModel(lm, from, to);
  lm.dispose();
  const model = await openModel(to);
  model.lm.dispose();
  return model.tokenizer;
}

it('say how a text begins and ends', async () => {
  const { eos, ends } = await saved();
  expect({ eos, ends }).toEqual({ eos: end, ends: [end] });
  expect(read('config.json')).toMatchObject({ model_type: 'gpt2', bos_token_id: end, eos_token_id: end });
  expect(read('generation_config.json')).toEqual({ bos_token_id: end, eos_token_id: end });
});

it('keep several ends, and how the model was to be sampled', async () => {
  const settings = { eos_token_id: [5, end], temperature: 0.7, top_p: 0.9 };
  await writeFile(join(from, 'generation_config.json'), JSON.stringify(settings));
  const { eos, ends } = await saved();
  expect({ eos, ends }).toEqual({ eos: end, ends: [end, 5] });
  expect(read('config.json').eos_token_id).toEqual([end, 5]);
  expect(read('generation_config.json')).toEqual({ ...settings, eos_token_id: [end, 5], bos_token_id: end });
});

it('the embedded models, too', () => {
  for (const name of ['base', 'instruct'])
    for (const file of ['config.json', 'generation_config.json'])
      expect(JSON.parse(readFileSync(join('models', name, file), 'utf8'))).toMatchObject({
        bos_token_id: 1666,
        eos_token_id: 1666,
      });
});
