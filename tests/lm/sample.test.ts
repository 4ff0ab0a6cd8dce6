import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleTokens } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import { type SampleOptions, sample } from '../../src/lm/sample.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { difference, noise, settings, use } from '../engine/harness.js';
import { TINY, texts, tinyLM } from './helpers.js';

const options: SampleOptions = { maxNewTokens: 10, temperature: 1, topK: 0, topP: 1, seed: 1, stopIds: [5] };
const prompts = texts(5, 9).map(({ ids }) => ids);

describe.each(settings)('sampling on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test('what the sampler says of a token is what scoring the finished text says', async () => {
    const lm = tinyLM(3);
    const filters = { ...options, temperature: 0.8, topP: 0.9, topK: 12 };
    for (const o of [options, filters]) {
      const completions = await sample(lm, prompts, 4, o);
      const items = completions.flatMap((list, p) =>
        list.map(({ ids }) => ({ prompt: prompts[p]!, completion: ids })),
      );
      const scores = await scoreCompletions(lm, items);
      completions.flat().forEach(({ ids, logprobs, finished }, i) => {
        expect(logprobs.length).toBe(ids.length);
        expect(Math.max(...logprobs.map((l, t) => Math.abs(l - scores[i]![t]!)))).toBeLessThan(1e-4);
        expect(finished).toBe(ids.at(-1) === 5);
        expect(ids.indexOf(5) < 0 || ids.indexOf(5) === ids.length - 1).toBe(true);
        expect(finished || ids.length === 10).toBe(true);
      });
    }
    lm.dispose();
  });

  test('rows depend on the seed and their place, not on the batch', async () => {
    const lm = tinyLM(3);
    const all = await sample(lm, prompts, 3, options);
    expect(await sample(lm, prompts, 3, options)).toEqual(all);
    const fewer = await sample(lm, prompts.slice(0, 2), 2, options);
    expect(fewer.map((l) => l.map((c) => c.ids))).toEqual(
      all.slice(0, 2).map((l) => l.slice(0, 2).map((c) => c.ids)),
    );
    const apart = await sample(lm, prompts, 3, { ...options, maxRows: 3 });
    expect(apart.map((l) => l.map((c) => c.ids))).toEqual(all.map((l) => l.map((c) => c.ids)));
    const other = await sample(lm, prompts, 3, { ...options, seed: 2 });
    expect(other.map((l) => l.map((c) => c.ids))).not.toEqual(all.map((l) => l.map((c) => c.ids)));
    const texts = new Set(all.flat().map((c) => c.ids.join()));
    expect(texts.size).toBeGreaterThan(10);
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
