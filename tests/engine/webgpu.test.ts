// The engine webgpu on whatever GPU there is, SwiftShader else (tests/helpers/software-gpu.ts): what the tests of every
// backend do not ask.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { disposeAdamState } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import { sample } from '../../src/lm/sample.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { train } from '../../src/lm/train.js';
import { texts, tinyLM, weightsOf } from '../lm/helpers.js';
import { difference, hasWebgpu, noise, use } from './harness.js';

// A busy machine needs its time for a software GPU.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

describe.skipIf(!hasWebgpu)('webgpu', () => {
  beforeAll(() => use('webgpu'));
  afterAll(() => use('js'));

  test('reading is synchronous, of every type, and leaves nothing of a browser behind', async () => {
    const { setImmediate, navigator } = globalThis as { setImmediate: unknown; navigator?: unknown };
    const x = tf.tensor(noise(1000, 1)).mul(2);
    expect(x.dataSync()).toEqual(noise(1000, 1).map((v) => v * 2));
    expect(await x.data()).toEqual(x.dataSync());
    expect([...tf.tensor1d([3, -4], 'int32').mul(tf.scalar(5, 'int32')).dataSync()]).toEqual([15, -20]);
    expect([...tf.tensor1d([1, 2]).greater(1).dataSync()]).toEqual([0, 1]);
    expect(tf.zeros([0, 3]).add(1).dataSync().length).toBe(0);
    expect(globalThis.setImmediate).toBe(setImmediate);
    expect((globalThis as { navigator?: unknown }).navigator).toBe(navigator);
    expect(Object.keys(globalThis).filter((key) => key.startsWith('GPU'))).toEqual([]);
  });

  test.each([
    [[50, 8], 7, 'float32'],
    [[50, 3], 7, 'float32'],
    [[50], 4, 'float32'],
    [[40, 2, 6], 5, 'float32'],
    [[50, 8], 7, 'int32'],
  ] as const)('sums of %j over %i segments (%s)', async (shape, segments, dtype) => {
    const values = noise(tf.util.sizeFromShape([...shape]), 1, 10).map(Math.round);
    // One beyond the last segment is left out.
    const ids = noise(shape[0], 2).map((v) => Math.floor(((v + 1) / 2) * (segments + 1)));
    const sum = () =>
      tf.tidy(() => {
        const x = tf.tensor(values, [...shape], dtype);
        return tf.unsortedSegmentSum(x, tf.tensor1d(ids, 'int32'), segments).dataSync();
      });
    const got = sum();
    await use('js');
    const want = sum();
    await use('webgpu');
    expect([...got]).toEqual([...want]);
  });

  test('sums over segments and long thin products have the same bits each time', () => {
    const [x, y] = [tf.tensor(noise(4096 * 40, 1), [4096, 40]), tf.tensor(noise(4096 * 24, 2), [4096, 24])];
    const ids = tf.tensor1d(
      Int32Array.from({ length: 4096 }, (_, i) => (i * i) % 5),
      'int32',
    );
    const both = () => [
      tf.matMul<tf.Tensor>(x, y, true).dataSync().slice(),
      tf.unsortedSegmentSum(x, ids, 5).dataSync().slice(),
    ];
    const first = both();
    for (let i = 0; i < 5; i++) expect(both()).toEqual(first);
  });

  test('trains as tfjs does, with the same bits again, and leaks nothing', async () => {
    const run = async () => {
      const lm = tinyLM();
      const losses: number[] = [];
      const state = await train(lm, texts(8), { steps: 2, lr: 1e-2, eps: 1e-3, warmup: 0 }, (info) => {
        losses.push(info.loss);
      });
      disposeAdamState(state);
      const weights = weightsOf(lm);
      lm.dispose();
      return { losses, weights };
    };
    const before = tf.memory().numTensors;
    const got = await run();
    expect(tf.memory().numTensors).toBe(before);
    expect(await run()).toEqual(got);
    await use('js');
    const want = await run();
    await use('webgpu');
    expect(difference(got.losses, want.losses)).toBeLessThan(1e-5);
    expect(difference(got.weights, want.weights)).toBeLessThan(1e-4);
  });

  test('what the GPU refuses is an error at the next reading, and computing goes on', () => {
    const read = () =>
      tf.tidy(() =>
        tf
          .fill([2 ** 31, 4], 1)
          .slice([0, 0], [1, 4])
          .dataSync(),
      );
    expect(read).toThrow(/^engine webgpu: .*[Bb]uffer/);
    expect([...tf.tensor1d([1, 2]).add(1).dataSync()]).toEqual([2, 3]);
  });

  test('what the sampler says of a token is what scoring the finished text says', async () => {
    const lm = tinyLM(3);
    const prompts = [[1, 2, 3], [4]];
    const options = { maxNewTokens: 5, temperature: 1, topK: 0, topP: 1, seed: 1, stopIds: [] };
    const completions = await sample(lm, prompts, 2, options);
    const items = completions.flatMap((list, p) =>
      list.map(({ ids }) => ({ prompt: prompts[p]!, completion: ids })),
    );
    const scores = await scoreCompletions(lm, items);
    completions.flat().forEach(({ logprobs }, i) => {
      expect(difference(logprobs, scores[i]!)).toBeLessThan(1e-4);
    });
    lm.dispose();
  });
});
