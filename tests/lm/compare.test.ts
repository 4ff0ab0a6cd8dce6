import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linearKL } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import { compareBothWays, compareCompletions } from '../../src/lm/compare.js';
import { MAX_TOKENS, perToken, predicting, type ScoreItem, scoreCompletions } from '../../src/lm/score.js';
import { difference, settings, use } from '../engine/harness.js';
import { TINY, texts, tinyLM } from './helpers.js';

const items: ScoreItem[] = texts(8, 4).map(({ ids }, i) => ({
  prompt: ids.slice(0, 1 + (i % 2)),
  completion: ids.slice(1 + (i % 2)),
}));
const flat = (lists: Float32Array[]) => lists.flatMap((l) => [...l]);
type LM = ReturnType<typeof tinyLM>;

describe.each(settings)('comparing two models on %s', (backend) => {
  let [q, p]: LM[] = [];
  beforeAll(async () => {
    await use(backend);
    // Larger than usual embeddings, so that the two are some tenths of a nat apart; one of another width.
    q = tinyLM(3);
    p = tinyLM(4, { ...TINY, n_embd: 24 });
    for (const { wte } of [q, p]) wte.assign(wte.mul(8));
  });
  afterAll(async () => {
    q!.dispose();
    p!.dispose();
    await use('js');
  });

  test('log-probabilities are those of scoring, the divergence is that of linearKL', async () => {
    const compared = await compareCompletions(q!, p!, items);
    const of = (name: 'logQ' | 'logP' | 'exact') => flat(compared.map((one) => one[name]));
    expect(difference(of('logQ'), flat(await scoreCompletions(q!, items)))).toBeLessThan(1e-5);
    expect(difference(of('logP'), flat(await scoreCompletions(p!, items)))).toBeLessThan(1e-5);
    const alone = await perToken(items, MAX_TOKENS, ['kl'], (rectangle) => ({
      kl: linearKL(predicting(q!, rectangle), q!.wte, predicting(p!, rectangle), p!.wte),
    }));
    expect(difference(of('exact'), flat(alone.map(({ kl }) => kl)))).toBeLessThan(1e-5);
    expect(Math.max(...of('exact'))).toBeGreaterThan(0.1);
  });

  test('the divergence is the sum over the vocabulary', async () => {
    const compared = await compareCompletions(q!, p!, items);
    // ln softmax over the vocabulary, by asking for every token in turn after each prefix.
    const all = async (lm: LM, prefix: readonly number[]) =>
      (
        await scoreCompletions(
          lm,
          Array.from({ length: TINY.vocab_size }, (_, v) => ({ prompt: prefix, completion: [v] })),
        )
      ).map(([lp]) => lp!);
    const { prompt, completion } = items[0]!;
    for (const t of completion.keys()) {
      const prefix = [...prompt, ...completion.slice(0, t)];
      const [lq, lp] = [await all(q!, prefix), await all(p!, prefix)];
      const want = lq.reduce((sum, l, v) => sum + Math.exp(l) * (l - lp[v]!), 0);
      expect(Math.abs(compared[0]!.exact[t]! - want)).toBeLessThan(1e-4);
    }
  });

  test('one batch of 8 and 8 batches of 1 agree', async () => {
    const together = await compareCompletions(q!, p!, items);
    const alone = (await Promise.all(items.map((item) => compareCompletions(q!, p!, [item])))).flat();
    // Ours to the bit, in either precision.
    const tolerance = backend.startsWith('cpu') ? 0 : 1e-5;
    for (const name of ['logQ', 'logP', 'exact'] as const)
      expect(
        difference(flat(together.map((one) => one[name])), flat(alone.map((one) => one[name]))),
      ).toBeLessThanOrEqual(tolerance);
  });

  test('both ways: the one, and the other', async () => {
    const [ways, there, back] = [
      await compareBothWays(q!, p!, items),
      await compareCompletions(q!, p!, items),
      await compareCompletions(p!, q!, items),
    ];
    for (const i of items.keys()) {
      const { reverse, ...forth } = ways[i]!;
      expect(forth).toEqual(there[i]);
      expect(difference(reverse, back[i]!.exact)).toBeLessThan(1e-6);
    }
  });

  test('a model is at no distance from itself, token by token', async () => {
    for (const { logQ, logP, exact } of await compareCompletions(q!, q!, items)) {
      expect(logP).toEqual(logQ);
      expect(Math.max(...exact.map(Math.abs))).toBeLessThan(1e-5);
    }
  });

  test('leaks no tensors; refuses different vocabularies; empty completions have no numbers', async () => {
    const before = tf.memory().numTensors;
    await compareCompletions(q!, p!, items);
    await compareBothWays(q!, p!, items);
    expect(tf.memory().numTensors).toBe(before);
    const none = new Float32Array(0);
    expect(await compareCompletions(q!, p!, [{ prompt: [1], completion: [] }])).toEqual([
      { logQ: none, logP: none, exact: none },
    ]);
    const other = tinyLM(1, { ...TINY, vocab_size: 24 });
    await expect(compareCompletions(q!, other, items)).rejects.toThrow('vocabularies differ: 23 and 24');
    await expect(compareBothWays(other, q!, items)).rejects.toThrow('vocabularies differ: 24 and 23');
    other.dispose();
  });
});
