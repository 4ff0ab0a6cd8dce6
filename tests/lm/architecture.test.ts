/** A model that differs from GPT-2 in everything does all that GPT-2 does, on every engine. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crossEntropyLoss, disposeAdamState } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import { toBatch } from '../../src/lm/batch.js';
import { CausalLM } from '../../src/lm/model.js';
import { lastLogits } from '../../src/lm/prefix-sharing.js';
import { type SampleOptions, sample } from '../../src/lm/sample.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { hiddenGrads, train } from '../../src/lm/train.js';
import { difference, noise, settings, use } from '../engine/harness.js';
import { texts } from './helpers.js';
import { tinyConfig } from './tiny-architecture.js';
import { referenceLogits } from './tiny-reference.js';

/** Its embeddings are large enough for every part to matter. */
function model(seed = 1): CausalLM {
  const lm = CausalLM.init(tinyConfig(), seed);
  for (const v of [lm.wte, lm.head]) tf.tidy(() => v.assign(v.mul(8)));
  return lm;
}

const ids = [3, 1, 4, 1, 5, 9, 2, 6, 22, 0];
const batch = toBatch(texts(6, 3));
const scale = batch.weights.map((w) => w / batch.weights.reduce((a, b) => a + b, 0));
const lossOf = (lm: CausalLM, h: tf.Tensor2D) => crossEntropyLoss(h, lm.head, batch.labels, scale);
const readLoss = (lm: CausalLM) =>
  tf.tidy(() => lossOf(lm, lm.hidden(batch.ids, batch.B, batch.T)).dataSync()[0]!);

/** Losses of a training from the same start, and what was trained. */
async function trained(): Promise<{ lm: CausalLM; losses: number[] }> {
  const lm = model(2);
  const losses: number[] = [];
  const options = { steps: 12, lr: 1e-2, warmup: 3, maxTokens: 64, eps: 1e-3 };
  const state = await train(
    lm,
    () => texts(6, 3),
    options,
    ({ loss }) => void losses.push(loss),
  );
  disposeAdamState(state);
  return { lm, losses };
}

let plain: number[];
beforeAll(async () => {
  await use('js');
  const { lm, losses } = await trained();
  plain = losses;
  lm.dispose();
});

describe.each(settings)('another architecture on %s', (backend) => {
  const isRounded = backend.endsWith('bfloat16');
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test('gives the logits of a forward pass by the book', () => {
    const lm = model();
    expect(lm.params.has('blocks.1.k.weight') && !lm.params.has('blocks.1.k.bias')).toBe(true);
    const logits = tf.tidy(() =>
      tf.matMul(lm.hidden(Int32Array.from(ids), 1, ids.length), lm.head, false, true).dataSync(),
    );
    expect(difference(logits, referenceLogits(lm, ids).flat())).toBeLessThan(isRounded ? 2e-2 : 1e-5);
    lm.dispose();
  });

  test.runIf(!isRounded)('has the gradient that finite differences give, parameter by parameter', () => {
    const lm = model();
    const { loss, grads } = hiddenGrads(lm, batch, (h) => lossOf(lm, h));
    [...lm.params.values()].forEach((v, i) => {
      const grad = grads[i]!.dataSync() as Float32Array;
      const value = v.dataSync() as Float32Array;
      const random = noise(v.size, 7);
      for (const direction of [grad, random]) {
        const length = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
        const at = (step: number) => {
          const moved = value.map((x, j) => x + (step * direction[j]!) / length);
          tf.tidy(() => v.assign(tf.tensor(moved, v.shape)));
          return readLoss(lm);
        };
        const step = 5e-3;
        const slope = (at(step) - at(-step)) / (2 * step);
        const expected = grad.reduce((sum, x, j) => sum + (x * direction[j]!) / length, 0);
        const { name } = lm.config.parameters[i]!;
        expect(Math.abs(slope - expected), name).toBeLessThan(4e-4 + 2e-3 * Math.abs(expected));
      }
      tf.tidy(() => v.assign(tf.tensor(value, v.shape)));
    });
    tf.dispose([loss, ...grads]);
    lm.dispose();
  });

  test('learns as it does with plain ops', async () => {
    const { lm, losses } = await trained();
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
    expect(difference(losses, plain)).toBeLessThan(isRounded ? 2e-2 : 1e-4);
    lm.dispose();
  });

  test('what the sampler says of a token is what scoring the finished text says', async () => {
    const lm = model(3);
    const prompts = texts(5, 9).map((text) => text.ids);
    const options: SampleOptions = {
      ...{ maxNewTokens: 10, temperature: 0.8, topK: 12, topP: 0.9, seed: 1, stopIds: [5] },
    };
    // Two ways through the same layers, to the bit on the cpu engine; elsewhere activations may be rounded on either.
    const within = backend.startsWith('cpu') ? 0 : isRounded ? 6e-2 : 1e-4;
    for (const n of [1, 4]) {
      const completions = await sample(lm, prompts, n, options);
      const items = completions.flatMap((list, p) =>
        list.map((completion) => ({ prompt: prompts[p]!, completion: completion.ids })),
      );
      const scores = await scoreCompletions(lm, items);
      const said = completions.flat().flatMap(({ logprobs }) => logprobs);
      const again = scores.flatMap((values) => [...values]);
      expect(Math.max(...said.map((x, i) => Math.abs(x - again[i]!)))).toBeLessThanOrEqual(within);
    }
    lm.dispose();
  });

  test('texts that share their beginnings have the logits that they have alone', async () => {
    const lm = model(4);
    const before = tf.memory().numTensors;
    const shared = [
      { prefix: [3, 1, 4, 1], suffixes: [[5], [5, 9, 2], [6]] },
      { prefix: [2, 7], suffixes: [[1, 8, 2, 8]] },
    ];
    const together = await lastLogits(lm, shared, [1, 2, 3]);
    for (const [f, { prefix, suffixes }] of shared.entries())
      for (const [s, suffix] of suffixes.entries()) {
        const alone = await lastLogits(lm, [{ prefix: [], suffixes: [[...prefix, ...suffix]] }], [1, 2, 3]);
        expect(difference(together[f]![s]!, alone[0]![0]!)).toBeLessThanOrEqual(
          backend.startsWith('cpu') ? 0 : 1e-2,
        );
      }
    expect(tf.memory().numTensors).toBe(before);
    lm.dispose();
  });
});
