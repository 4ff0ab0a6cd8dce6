import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/engine/tf.js';
import { type ScoreItem, scoreCompletions } from '../../src/lm/score.js';
import { UserError } from '../../src/store/errors.js';
import { difference, settings, use } from '../engine/harness.js';
import { holdsAsync } from '../helpers/properties.js';
import { rounded } from '../kernels/bfloat16.js';
import { TINY, texts, tinyLM } from './helpers.js';

const items: ScoreItem[] = texts(8, 4).map(({ ids }, i) => ({
  prompt: ids.slice(0, 1 + (i % 2)),
  completion: ids.slice(1 + (i % 2)),
}));
const flat = (lists: Float32Array[]) => lists.flatMap((l) => [...l]);

describe.each(settings)('scoring on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  /** The output projection as the engine multiplies with it. */
  const projection = ({ wte }: ReturnType<typeof tinyLM>) =>
    backend.endsWith('bfloat16') ? tf.tensor(rounded(wte.dataSync()), wte.shape) : wte;

  /** ln softmax of all logits at each completion position, one text at a time, by plain ops. */
  const logProbs = (lm: ReturnType<typeof tinyLM>, { prompt, completion }: ScoreItem) =>
    tf.tidy(() => {
      const ids = Int32Array.from([...prompt, ...completion]);
      const logits = tf.matMul(lm.hidden(ids, 1, ids.length), projection(lm), false, true);
      return (tf.logSoftmax(logits).arraySync() as number[][]).slice(prompt.length - 1, -1);
    });

  test('a log-probability is the softmax of the logits at the position before', async () => {
    const lm = tinyLM(3);
    const scores = await scoreCompletions(lm, items);
    items.forEach((item, i) => {
      const want = logProbs(lm, item).map((row, t) => row[item.completion[t]!]!);
      expect(difference(scores[i]!, want)).toBeLessThan(1e-5);
    });
    lm.dispose();
  });

  test('a score does not depend on what is scored beside it, nor on how many at once', async () => {
    const lm = tinyLM(3);
    // Ours to the bit, in either precision.
    const tolerance = backend.startsWith('cpu') ? 0 : 1e-5;
    const id = fc.nat(TINY.vocab_size - 1);
    const item = fc.record({
      prompt: fc.array(id, { minLength: 1, maxLength: 12 }),
      completion: fc.array(id, { maxLength: 12 }),
    });
    const cases = fc.array(item, { minLength: 1, maxLength: 8 });
    await holdsAsync(
      fc.asyncProperty(cases, fc.integer({ min: 1, max: 100 }), async (all, maxTokens) => {
        const together = await scoreCompletions(lm, all);
        expect(together.map(({ length }) => length)).toEqual(all.map(({ completion }) => completion.length));
        const alone: Float32Array[] = [];
        for (const one of all) alone.push(...(await scoreCompletions(lm, [one])));
        const turned = (await scoreCompletions(lm, all.toReversed())).toReversed();
        for (const other of [alone, turned, await scoreCompletions(lm, all, maxTokens)])
          expect(difference(flat(other), flat(together))).toBeLessThanOrEqual(tolerance);
      }),
      6,
    );
    lm.dispose();
  });

  test('leaks no tensors; empty completions give empty scores; bad input is refused', async () => {
    const lm = tinyLM(3);
    const before = tf.memory().numTensors;
    expect(await scoreCompletions(lm, [{ prompt: [1], completion: [] }])).toEqual([new Float32Array(0)]);
    await scoreCompletions(lm, items);
    expect(tf.memory().numTensors).toBe(before);
    await expect(scoreCompletions(lm, [{ prompt: [], completion: [1] }])).rejects.toThrow(UserError);
    const long = { prompt: [1], completion: new Array(TINY.n_positions + 1).fill(1) };
    await expect(scoreCompletions(lm, [long])).rejects.toThrow('too long');
    lm.dispose();
  });
});
