import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AutoModelForCausalLM, env, PreTrainedModel, Tensor } from '@xenova/transformers';
import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '../../src/engine/tf.js';
import { saveLM } from '../../src/lm/files.js';
import { CausalLM } from '../../src/lm/model.js';
import { exportOnnx } from '../../src/lm/onnx.js';
import { UserError } from '../../src/store/errors.js';
import { use } from '../engine/harness.js';
import { scratchFolder } from '../store/folder.js';
import { tinyLM } from './helpers.js';
import { tinyConfig } from './tiny-architecture.js';
import { randomTensors, referenceLogits, type TinyConfig, writeModel } from './tiny-gpt2.js';

const scratch = scratchFolder();
env.allowRemoteModels = false;

const config: TinyConfig = { n_layer: 2, n_head: 2, n_embd: 16, n_positions: 32, vocab_size: 50 };
const tensors = randomTensors(config);
const ids = [3, 1, 4, 1, 5, 9, 2, 6, 49, 0];

const load = (dir: string): Promise<PreTrainedModel> =>
  AutoModelForCausalLM.from_pretrained(dir, { local_files_only: true, dtype: 'fp32', device: 'cpu' });
interface Session {
  run(feeds: object): Promise<Record<string, Tensor>>;
}
const sessionOf = (model: PreTrainedModel) =>
  (model as unknown as { sessions: { model: Session } }).sessions.model;
const int64 = (values: readonly number[], dims: readonly number[]) =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), [...dims]);

/** Largest difference of two lists of numbers. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

async function logitsOf(model: PreTrainedModel, sequence: readonly number[]): Promise<Tensor> {
  const dims = [1, sequence.length];
  const mask = int64(
    sequence.map(() => 1),
    dims,
  );
  const { logits } = await model({ input_ids: int64(sequence, dims), attention_mask: mask });
  return logits;
}

describe('the exported model', () => {
  const dir = join(scratch, 'model');
  let model: PreTrainedModel;
  beforeAll(async () => {
    await writeModel(dir, config, tensors);
    await exportOnnx(dir);
    model = await load(dir);
  });

  it('gives the logits of a forward pass by the book', async () => {
    const logits = await logitsOf(model, ids);
    expect(logits.dims).toEqual([1, ids.length, config.vocab_size]);
    const reference = referenceLogits(config, tensors, ids).flat();
    expect(Math.max(...reference) - Math.min(...reference)).toBeGreaterThan(3);
    expect(distance(logits.data as Float32Array, reference)).toBeLessThan(1e-4);
  });

  it('gives the same with a cache, with padding anywhere, and for the last position alone', async () => {
    const session = sessionOf(model);
    const reference = referenceLogits(config, tensors, ids);
    // Two rows: the whole sequence with a hole after 4, and its first 6 tokens, padded on the left.
    const P = 5;
    const empty = () => new Tensor('float32', new Float32Array(), [2, 2, 0, 8]);
    const names = [0, 1].flatMap((i) => [`${i}.key`, `${i}.value`]);
    const first = await session.run({
      input_ids: int64([...ids.slice(0, 4), 7, 7, 7, ...ids.slice(0, 3)], [2, P]).ort_tensor,
      attention_mask: int64([1, 1, 1, 1, 0, 0, 0, 1, 1, 1], [2, P]).ort_tensor,
      position_ids: int64([0, 1, 2, 3, 0, 0, 0, 0, 1, 2], [2, P]).ort_tensor,
      num_logits_to_keep: int64([1], []).ort_tensor,
      ...Object.fromEntries(names.map((name) => [`past_key_values.${name}`, empty().ort_tensor])),
    });
    expect(first.logits!.dims).toEqual([2, 1, config.vocab_size]);
    expect(
      distance(Array.from(first.logits!.data as Float32Array).slice(config.vocab_size), reference[2]!),
    ).toBeLessThan(1e-4);
    const S = 6;
    const second = await session.run({
      input_ids: int64([...ids.slice(4), 7, 7, 7, ...ids.slice(3, 6)], [2, S]).ort_tensor,
      attention_mask: int64([1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1], [2, P + S])
        .ort_tensor,
      position_ids: int64([4, 5, 6, 7, 8, 9, 0, 0, 0, 3, 4, 5], [2, S]).ort_tensor,
      num_logits_to_keep: int64([2], []).ort_tensor,
      ...Object.fromEntries(names.map((name) => [`past_key_values.${name}`, first[`present.${name}`]!])),
    });
    const expected = [reference[8]!, reference[9]!, reference[4]!, reference[5]!].flat();
    expect(distance(second.logits!.data as Float32Array, expected)).toBeLessThan(1e-4);
  });

  it('generates greedily what the reference does', async () => {
    const prompt = ids.slice(0, 3);
    const expected = [...prompt];
    for (let i = 0; i < 8; i++) {
      const last = referenceLogits(config, tensors, expected).at(-1)!;
      expected.push(last.indexOf(Math.max(...last)));
    }
    const dims = [1, prompt.length];
    const output = await model.generate({
      inputs: int64(prompt, dims),
      attention_mask: int64(
        prompt.map(() => 1),
        dims,
      ),
      max_new_tokens: 8,
      do_sample: false,
    } as never);
    expect(Array.from((output as Tensor).data as BigInt64Array, Number)).toEqual(expected);
  });
});

it.each([
  ['the "transformer." prefix', {}, 'transformer.'],
  ['one head, one layer', { n_head: 1, n_layer: 1 }, ''],
])('understands %s', async (what, changes, prefix) => {
  const other = { ...config, ...changes };
  const weights = randomTensors(other, 2);
  const dir = join(scratch, what);
  await writeModel(dir, other, weights, prefix);
  await exportOnnx(dir);
  const logits = await logitsOf(await load(dir), ids);
  expect(distance(logits.data as Float32Array, referenceLogits(other, weights, ids).flat())).toBeLessThan(
    1e-4,
  );
});

it('agrees with our own forward pass', async () => {
  await use('js');
  const dir = join(scratch, 'own');
  const own = tinyLM(3);
  await saveLM(own, dir);
  await exportOnnx(dir);
  const sequence = ids.map((id) => id % own.description.vocab);
  const logits = tf.tidy(() =>
    tf.matMul(own.hidden(Int32Array.from(sequence), 1, sequence.length), own.wte, false, true).dataSync(),
  );
  expect(distance((await logitsOf(await load(dir), sequence)).data as Float32Array, logits)).toBeLessThan(
    1e-4,
  );
  own.dispose();
});

it('serves another architecture as our own forward pass computes it, with a cache and with padding', async () => {
  await use('js');
  const dir = join(scratch, 'other');
  const own = CausalLM.init(tinyConfig(), 3);
  for (const v of [own.wte, own.head]) tf.tidy(() => v.assign(v.mul(8)));
  await saveLM(own, dir);
  await exportOnnx(dir);
  const sequence = ids.map((id) => id % own.description.vocab);
  const expected = tf.tidy(
    () =>
      tf
        .matMul(own.hidden(Int32Array.from(sequence), 1, sequence.length), own.head, false, true)
        .arraySync() as number[][],
  );
  const options = { local_files_only: true, dtype: 'fp32', device: 'cpu' } as const;
  const session = sessionOf(await PreTrainedModel.from_pretrained(dir, options));
  const numbers = (values: readonly number[], dims: readonly number[]) => int64(values, dims).ort_tensor;
  const empty = () => new Tensor('float32', new Float32Array(), [1, 2, 0, 6]).ort_tensor;
  const names = [0, 1].flatMap((i) => [`${i}.key`, `${i}.value`]);
  const first = await session.run({
    input_ids: numbers([7, ...sequence.slice(0, 6)], [1, 7]),
    attention_mask: numbers([0, 1, 1, 1, 1, 1, 1], [1, 7]),
    position_ids: numbers([0, 0, 1, 2, 3, 4, 5], [1, 7]),
    num_logits_to_keep: numbers([6], []),
    ...Object.fromEntries(names.map((name) => [`past_key_values.${name}`, empty()])),
  });
  expect(distance(first.logits!.data as Float32Array, expected.slice(0, 6).flat())).toBeLessThan(1e-4);
  const second = await session.run({
    input_ids: numbers(sequence.slice(6), [1, 4]),
    attention_mask: numbers([0, ...sequence.map(() => 1)], [1, 11]),
    position_ids: numbers([6, 7, 8, 9], [1, 4]),
    num_logits_to_keep: numbers([0], []),
    ...Object.fromEntries(names.map((name) => [`past_key_values.${name}`, first[`present.${name}`]!])),
  });
  expect(distance(second.logits!.data as Float32Array, expected.slice(6).flat())).toBeLessThan(1e-4);
  own.dispose();
});

describe('refuses', () => {
  it('a head that is not the embeddings', async () => {
    const dir = join(scratch, 'untied');
    const wte = tensors.get('wte.weight')!;
    const head = { ...wte, name: 'lm_head.weight' };
    await writeModel(dir, config, new Map([...tensors, ['lm_head.weight', head]]));
    await exportOnnx(dir);
    const other = { ...head, data: wte.data.map((x) => 2 * x) };
    await writeModel(dir, config, new Map([...tensors, ['lm_head.weight', other]]));
    await expect(exportOnnx(dir)).rejects.toThrow(/lm_head\.weight differs/);
  });

  it.each([
    ['another kind of model', '{"model_type":"bert"}', /config\.json: "model_type"/],
    [
      'heads that do not divide',
      JSON.stringify({ ...config, model_type: 'gpt2', n_head: 3 }),
      /multiple of n_head/,
    ],
    [
      'a missing layer',
      JSON.stringify({ ...config, model_type: 'gpt2', n_layer: 3 }),
      /the tensor h\.2\.ln_1\.weight is missing/,
    ],
    [
      'another shape',
      JSON.stringify({ ...config, model_type: 'gpt2', vocab_size: 51 }),
      /wte\.weight has the shape \[50,16\], config\.json needs \[51,16\]/,
    ],
  ])('%s', async (what, json, message) => {
    const dir = join(scratch, `bad ${what}`);
    await writeModel(dir, config, tensors);
    await writeFile(join(dir, 'config.json'), json);
    const error = await exportOnnx(dir).catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
  });
});
