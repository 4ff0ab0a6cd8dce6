import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gpt2Config } from '../../src/lm/architectures/gpt2.js';
import { loadLM, saveLM } from '../../src/lm/files.js';
import { CausalLM } from '../../src/lm/model.js';
import { type NamedTensor, writeSafetensors } from '../../src/store/safetensors.js';
import { use } from '../engine/harness.js';
import { TINY, tinyLM, weightsOf } from './helpers.js';
import { tinyConfig } from './tiny-architecture.js';

let dir: string;
beforeAll(async () => {
  await use('js');
  dir = await mkdtemp(join(tmpdir(), 'ilf-lm-'));
});
afterAll(() => rm(dir, { recursive: true }));

const tensorsOf = (lm: CausalLM): NamedTensor[] =>
  [...lm.params].map(([name, v]) => ({ name, shape: v.shape, data: v.dataSync() as Float32Array }));

/** A folder with tiny's config and these tensors. */
async function folder(tensors: NamedTensor[], config: object = {}): Promise<string> {
  const at = await mkdtemp(join(dir, 'model-'));
  await writeFile(join(at, 'config.json'), JSON.stringify({ model_type: 'gpt2', ...TINY, ...config }));
  await writeSafetensors(join(at, 'model.safetensors'), tensors);
  return at;
}

test('save and load give the same weights and outputs', async () => {
  const lm = tinyLM(7);
  await saveLM(lm, join(dir, 'saved'));
  const back = await loadLM(join(dir, 'saved'));
  expect(back.config).toEqual(lm.config);
  expect(weightsOf(back)).toEqual(weightsOf(lm));
  const ids = Int32Array.of(1, 2, 3, 4, 5, 6);
  expect(back.hidden(ids, 2, 3).dataSync()).toEqual(lm.hidden(ids, 2, 3).dataSync());
});

test('another architecture is saved and loaded by what config.json calls it', async () => {
  const lm = CausalLM.init(tinyConfig(), 7);
  await saveLM(lm, join(dir, 'other'));
  const back = await loadLM(join(dir, 'other'));
  expect(back.config).toEqual(lm.config);
  expect([...back.params.keys()]).toEqual([...lm.params.keys()]);
  expect(weightsOf(back)).toEqual(weightsOf(lm));
  const tensors = tensorsOf(lm).filter(({ name }) => name !== 'head.weight');
  await writeSafetensors(join(dir, 'other', 'model.safetensors'), tensors);
  await expect(loadLM(join(dir, 'other'))).rejects.toThrow(/the tensor head\.weight is missing/);
});

test('a GPT-2 whose head is not its embedding keeps it', async () => {
  const lm = CausalLM.init(gpt2Config({ ...TINY, tie_word_embeddings: false }), 7);
  expect(lm.head).not.toBe(lm.wte);
  await saveLM(lm, join(dir, 'untied'));
  expect(weightsOf(await loadLM(join(dir, 'untied')))).toEqual(weightsOf(lm));
});

test("the layout of Hugging Face's own GPT-2 files loads", async () => {
  const lm = tinyLM(8);
  const tensors = tensorsOf(lm).map((t) => ({ ...t, name: `transformer.${t.name}` }));
  const wte = lm.wte.dataSync() as Float32Array;
  tensors.push({ name: 'lm_head.weight', shape: lm.wte.shape, data: wte });
  const mask = { shape: [1, 1, 4, 4], data: new Float32Array(16) };
  tensors.push({ name: 'transformer.h.0.attn.bias', ...mask });
  tensors.push({ name: 'transformer.h.1.attn.masked_bias', shape: [], data: Float32Array.of(-1e4) });
  const back = await loadLM(await folder(tensors, { n_inner: null, bos_token_id: 3 }));
  expect(weightsOf(back)).toEqual(weightsOf(lm));
  expect(back.config.json.bos_token_id).toBe(3);
});

test('tied weights load by either name, as save_model and others write them', async () => {
  const lm = tinyLM(8);
  const rest = tensorsOf(lm).filter(({ name }) => name !== 'wte.weight');
  const head = { name: 'lm_head.weight', shape: lm.wte.shape, data: lm.wte.dataSync() as Float32Array };
  const at = await folder([...rest, head]);
  expect(weightsOf(await loadLM(at))).toEqual(weightsOf(lm));
  const prefixed = rest.map((tensor) => ({ ...tensor, name: `transformer.${tensor.name}` }));
  const shared = { format: 'pt', 'transformer.wte.weight': 'lm_head.weight' };
  await writeSafetensors(join(at, 'model.safetensors'), [...prefixed, head], shared);
  expect(weightsOf(await loadLM(at))).toEqual(weightsOf(lm));
  const small = { ...head, shape: [22, 16], data: head.data.subarray(0, 22 * 16) };
  await expect(loadLM(await folder([...rest, small]))).rejects.toThrow(/wte\.weight is missing/);
});

test('files that do not fit are refused in one line', async () => {
  const tensors = tensorsOf(tinyLM(9));
  const refused = async (at: Promise<string>, what: RegExp) => {
    const error = await loadLM(await at).catch((e: Error) => e);
    expect(error).toMatchObject({ name: 'UserError', message: expect.stringMatching(what) });
    expect((error as Error).message).not.toContain('\n');
  };
  await refused(folder(tensors.slice(1)), /wte\.weight is missing/);
  await refused(
    folder([...tensors, { name: 'x', shape: [1], data: Float32Array.of(1) }]),
    /unknown tensor x/,
  );
  await refused(folder(tensors, { n_positions: 33 }), /wpe\.weight has the shape \[32,16\]/);
  const head = { name: 'lm_head.weight', shape: [23, 16], data: new Float32Array(23 * 16) };
  await refused(folder([...tensors, head]), /tied/);
  await refused(folder(tensors, { model_type: 'bert' }), /model_type/);
  await refused(folder(tensors, { n_head: 3 }), /multiple of n_head/);
  await refused(folder(tensors, { activation_function: 'relu' }), /activation_function/);
  await refused(folder(tensors, { n_layer: -1 }), /n_layer/);
  expect(() => gpt2Config({ ...TINY, n_embd: 0.5 })).toThrow('n_embd');
});
