import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NativeBackend } from '../../src/engine/backend.js';
import { adamw, createAdamState, disposeAdamState, sampleTokens } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import { type Completion, type SampleOptions, sample } from '../../src/lm/sample.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { difference, noise, settings, use } from '../engine/harness.js';
import { holdsAsync } from '../helpers/properties.js';
import { TINY, texts, tinyLM } from './helpers.js';

const options: SampleOptions = { maxNewTokens: 10, temperature: 1, topK: 0, topP: 1, seed: 1, stopIds: [5] };
const prompts = texts(5, 9).map(({ ids }) => ids);

describe.each(settings)('sampling on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test('what the sampler says of a token is what scoring the finished text says', async () => {
    const lm = tinyLM(3);
    // Two ways through the same layers, to the bit on the cpu engine; elsewhere activations may be rounded on either.
    const within = backend.endsWith('bfloat16') ? 1e-2 : 1e-4;
    const filters = { ...options, temperature: 0.8, topP: 0.9, topK: 12 };
    for (const o of [options, filters]) {
      const completions = await sample(lm, prompts, 4, o);
      const items = completions.flatMap((list, p) =>
        list.map(({ ids }) => ({ prompt: prompts[p]!, completion: ids })),
      );
      const scores = await scoreCompletions(lm, items);
      completions.flat().forEach(({ ids, logprobs, finished }, i) => {
        expect(logprobs.length).toBe(ids.length);
        expect(Math.max(...logprobs.map((l, t) => Math.abs(l - scores[i]![t]!)))).toBeLessThan(within);
        expect(finished).toBe(ids.at(-1) === 5);
        expect(ids.indexOf(5) < 0 || ids.indexOf(5) === ids.length - 1).toBe(true);
        expect(finished || ids.length === 10).toBe(true);
      });
    }
    lm.dispose();
  });

  test('a completion depends on its prompt, its place and the seed, not on what is sampled beside it', async () => {
    const lm = tinyLM(3);
    // To the bit on the cpu engine; elsewhere sums may be taken in another order.
    const within = backend.startsWith('cpu') ? 0 : backend.endsWith('bfloat16') ? 1e-2 : 1e-5;
    const prompt = fc.array(fc.nat(TINY.vocab_size - 1), { minLength: 1, maxLength: TINY.n_positions - 1 });
    const cases = fc.record({
      prompts: fc.array(prompt, { minLength: 1, maxLength: 6 }),
      n: fc.integer({ min: 1, max: 3 }),
      maxRows: fc.integer({ min: 1, max: 20 }),
      seed: fc.nat(1000),
      topP: fc.constantFrom(1, 0.9),
      kept: fc.nat(5),
      fewer: fc.nat(2),
      others: fc.array(prompt, { minLength: 6, maxLength: 6 }),
    });
    await holdsAsync(
      fc.asyncProperty(cases, async ({ prompts, n, maxRows, seed, topP, kept, fewer, others }) => {
        const o = { ...options, seed, topP };
        const all = await sample(lm, prompts, n, o);
        /** What the same rows gave, sampled otherwise. */
        const same = (other: Completion[][], rows: Completion[][]) => {
          const [a, b] = [other.flat(), rows.flat()];
          expect(a.map(({ ids, finished }) => ({ ids, finished }))).toEqual(
            b.map(({ ids, finished }) => ({ ids, finished })),
          );
          a.forEach(({ logprobs }, i) => {
            expect(difference(logprobs, b[i]!.logprobs)).toBeLessThanOrEqual(within);
          });
        };
        same(await sample(lm, prompts, n, { ...o, maxRows }), all);
        // Up to a prompt, and fewer of each.
        const last = kept % prompts.length;
        const samples = Math.max(1, n - fewer);
        const part = await sample(lm, prompts.slice(0, last + 1), samples, o);
        same(
          part,
          all.slice(0, last + 1).map((rows) => rows.slice(0, samples)),
        );
        // One prompt at its place among others.
        const among = others.slice(0, prompts.length).with(last, prompts[last]!);
        same([(await sample(lm, among, n, o))[last]!], [all[last]!]);
      }),
      // The emulator is slow.
      backend.startsWith('cuda-emulated') ? 1 : 6,
    );
    lm.dispose();
  });

  test('samples what plain JavaScript samples, of rows that end at different steps', async () => {
    if (backend.endsWith('bfloat16')) return; // other numbers
    const o = { ...options, topP: 0.95, stopIds: [5, 6, 7] };
    const many = [...prompts, new Array(TINY.n_positions - 3).fill(2)];
    const drawn = async (engine: string) => {
      await use(engine);
      const lm = tinyLM(3);
      const completions = (await sample(lm, many, 4, o)).flat();
      lm.dispose();
      return completions;
    };
    const expected = await drawn('js');
    const actual = await drawn(backend);
    expect(actual.map(({ ids, finished }) => ({ ids, finished }))).toEqual(
      expected.map(({ ids, finished }) => ({ ids, finished })),
    );
    actual.forEach(({ logprobs }, i) => {
      expect(difference(logprobs, expected[i]!.logprobs)).toBeLessThan(1e-4);
    });
    expect(new Set(actual.map(({ ids }) => ids.length)).size).toBeGreaterThan(3);
  });

  test('a model that has been trained meanwhile samples as a new one of the same weights', async () => {
    const lm = tinyLM(3);
    const params = [...lm.params.values()];
    const state = createAdamState(params);
    const hyper = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, clip: 0 };
    const trains = [
      () =>
        tf.tidy(() => {
          const grads = params.map((p, i) => tf.tensor(noise(p.size, i), p.shape));
          const decay = params.map(() => 0);
          adamw(params, grads, [tf.scalar(1)], state, decay, hyper);
        }),
      () => tf.tidy(() => lm.wte.assign(lm.wte.mul(1.5))),
    ];
    const before = await sample(lm, prompts, 2, options);
    for (const train of trains) {
      train();
      const copy = lm.clone();
      const expected = await sample(copy, prompts, 2, options);
      copy.dispose();
      expect(await sample(lm, prompts, 2, options)).toEqual(expected);
      expect(expected).not.toEqual(before);
    }
    disposeAdamState(state);
    lm.dispose();
  });

  test('two samplings at a time give what they give one after the other', async () => {
    const lm = tinyLM(3);
    const seeds = [1, 2, 3];
    const alone: Completion[][][] = [];
    for (const seed of seeds) alone.push(await sample(lm, prompts, 2, { ...options, seed }));
    const together = await Promise.all(seeds.map((seed) => sample(lm, prompts, 2, { ...options, seed })));
    expect(together).toEqual(alone);
    lm.dispose();
  });

  test('on a GPU the decoder is kept, as long as the model', async () => {
    const { native, storage } = tf.backend() as Partial<NativeBackend>;
    const lm = tinyLM(3);
    const before = native?.bytes();
    await sample(lm, prompts, 2, options);
    const kept = lm.decoder;
    expect(kept !== null).toBe(storage?.onDevice ?? false);
    await sample(lm, prompts, 3, options);
    expect(lm.decoder).toBe(kept);
    lm.dispose();
    expect(lm.decoder).toBe(null);
    if (!native || !kept) return; // the CPU keeps scratch memory
    expect(native.bytes()).toBe(before);
  });

  test('another seed gives others, and so does another place', async () => {
    const lm = tinyLM(3);
    const ids = async (seed: number) =>
      (await sample(lm, prompts, 3, { ...options, seed })).map((list) => list.map((of) => of.ids));
    const all = await ids(1);
    expect(await ids(2)).not.toEqual(all);
    expect(new Set(all.flat().map((of) => of.join())).size).toBeGreaterThan(10);
    lm.dispose();
  });

  test('greedy sampling takes the most probable token each time', async () => {
    const lm = tinyLM(3);
    const completion = (await sample(lm, [prompts[0]!], 1, { ...options, temperature: 0 }))[0]![0]!;
    const ids = [...prompts[0]!];
    for (const id of completion.ids) {
      const best = tf.tidy(() => {
        const h = lm.hidden(Int32Array.from(ids), 1, ids.length).slice([ids.length - 1, 0], [1, TINY.n_embd]);
        return tf.argMax(tf.matMul(h, lm.wte, false, true), 1).dataSync()[0]!;
      });
      expect(id).toBe(best);
      ids.push(id);
    }
    lm.dispose();
  });

  test('stops where the positions end, leaks nothing, reports progress', async () => {
    const lm = tinyLM(3);
    const before = tf.memory().numTensors;
    const long = new Array(TINY.n_positions - 3).fill(2);
    const seen: number[] = [];
    const out = await sample(
      lm,
      [long, [1]],
      2,
      { ...options, maxNewTokens: 50, stopIds: [] },
      (done, total) => {
        seen.push(done);
        expect(total).toBe(4);
      },
    );
    expect(out.map((l) => l.map((c) => c.ids.length))).toEqual([
      [3, 3],
      [31, 31],
    ]);
    expect(seen.at(-1)).toBe(4);
    expect(tf.memory().numTensors).toBe(before);
    await expect(sample(lm, [[...long, 1, 2, 3]], 1, options)).rejects.toThrow('no room');
    await expect(sample(lm, [[]], 1, options)).rejects.toThrow('empty');
    await expect(sample(lm, [[1]], 1, { ...options, topP: 0 })).rejects.toThrow('top-p');
    lm.dispose();
  });

  test('tokens are drawn with the filtered softmax probabilities', () => {
    const V = 6;
    const row = noise(V, 3, 2);
    const order = [...row.keys()].sort((a, b) => row[b]! - row[a]!);
    const softmax = (keep: number[], temperature: number) => {
      const e = Array.from(row, (x, v) => (keep.includes(v) ? Math.exp(x / temperature) : 0));
      const sum = e.reduce((a, b) => a + b);
      return e.map((x) => x / sum);
    };
    const all = [...row.keys()];
    const sorted = order.map((v) => softmax(all, 1)[v]!);
    const cut = sorted.findIndex((_, i) => sorted.slice(0, i + 1).reduce((a, b) => a + b) >= 0.7) + 1;
    const cases = [
      { filters: { temperature: 1, topK: 0, topP: 1 }, want: softmax(all, 1) },
      { filters: { temperature: 0.5, topK: 0, topP: 1 }, want: softmax(all, 0.5) },
      { filters: { temperature: 1, topK: 2, topP: 1 }, want: softmax(order.slice(0, 2), 1) },
      { filters: { temperature: 1, topK: 0, topP: 0.7 }, want: softmax(order.slice(0, cut), 1) },
      { filters: { temperature: 0, topK: 0, topP: 1 }, want: softmax(order.slice(0, 1), 1) },
    ];
    const B = 4000;
    const logits = Float32Array.from({ length: B * V }, (_, i) => row[i % V]!);
    const uniform = Float32Array.from({ length: B }, (_, i) => (i + 0.5) / B);
    for (const { filters, want } of cases) {
      const tokens = new Int32Array(B);
      const logprob = new Float32Array(B);
      sampleTokens(B, V, logits, filters, uniform, tokens, logprob);
      const share = all.map((v) => tokens.filter((t) => t === v).length / B);
      expect(Math.max(...share.map((s, v) => Math.abs(s - want[v]!)))).toBeLessThan(2 / B);
      // Inverse of the distribution function in token order: tokens never go down as uniform goes up.
      expect(tokens.every((t, i) => i === 0 || t >= tokens[i - 1]!)).toBe(true);
      const full = softmax(all, 1).map(Math.log);
      expect(
        difference(
          logprob,
          Float32Array.from(tokens, (t) => full[t]!),
        ),
      ).toBeLessThan(1e-5);
    }
  });
});
