import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/engine/tf.js';
import { meanHidden } from '../../src/lm/mean-hidden.js';
import { UserError } from '../../src/store/errors.js';
import { difference, settings, use } from '../engine/harness.js';
import { TINY, texts, tinyLM } from './helpers.js';

describe.each(settings)('embeddings on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test("are the means of the tokens' hidden states, whatever else is embedded", async () => {
    const lm = tinyLM(5);
    const items = [...texts(9, 6).map(({ ids }) => ids), [4]];
    const before = tf.memory().numTensors;
    let done = 0;
    const found = await meanHidden(lm, items, (count) => {
      done += count;
    });
    expect(done).toBe(items.length);
    const inParts = await meanHidden(lm, items, undefined, 20);
    expect(tf.memory().numTensors).toBe(before);
    for (const [i, ids] of items.entries()) {
      const hidden = tf.tidy(() => lm.hidden(Int32Array.from(ids), 1, ids.length).arraySync() as number[][]);
      const want = hidden[0]!.map((_, d) => hidden.reduce((sum, row) => sum + row[d]! / ids.length, 0));
      expect(difference(found[i]!, want)).toBeLessThan(1e-5);
      expect(difference(inParts[i]!, want)).toBeLessThan(1e-5);
    }
    expect(await meanHidden(lm, [])).toEqual([]);
    await expect(meanHidden(lm, [new Array(TINY.n_positions + 1).fill(1)])).rejects.toThrow(UserError);
    lm.dispose();
  });
});
