import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatherRows } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import type { CausalLM } from '../../src/lm/model.js';
import { lastHidden, lastLogits, type SharedPrefix } from '../../src/lm/prefix-sharing.js';
import { randomStream } from '../../src/lm/random.js';
import { UserError } from '../../src/store/errors.js';
import { difference, settings, use } from '../engine/harness.js';
import { TINY, tinyLM } from './helpers.js';

const uniform = randomStream(11);
const random = (n: number) => Array.from({ length: n }, () => Math.floor(uniform() * TINY.vocab_size));

const first = random(9);
/** Suffixes of several lengths, equal ones, one that begins another, one that fills the window; nothing shared; nothing. */
const shared: SharedPrefix[] = [
  { prefix: first, suffixes: [random(1), random(12), random(5), random(5)] },
  { prefix: random(3), suffixes: [random(TINY.n_positions - 3), random(2)] },
  { prefix: [], suffixes: [random(7), random(1)] },
  { prefix: random(6), suffixes: [] },
  { prefix: first.slice(0, 4), suffixes: [[7], [7, 8], [7], [7, 8, 9]] },
  { prefix: random(5), suffixes: [random(3)] },
];
const tokens = [3, 17, 4];
const texts = shared.flatMap(({ prefix, suffixes }) => suffixes.map((suffix) => [...prefix, ...suffix]));

/** The last position's hidden state of a text on its own, read whole. */
const wholeHidden = (lm: CausalLM, ids: readonly number[]) =>
  gatherRows(lm.hidden(Int32Array.from(ids), 1, ids.length), Int32Array.of(ids.length - 1));

describe.each(settings)('texts with shared beginnings on %s', (backend) => {
  let lm: CausalLM;
  beforeAll(async () => {
    await use(backend);
    lm = tinyLM(3);
  });
  afterAll(async () => {
    lm.dispose();
    await use('js');
  });
  // Ours to the bit, in either precision.
  const tolerance = backend.startsWith('cpu') ? 0 : 1e-5;

  test('have the logits that each has on its own', async () => {
    const logits = await lastLogits(lm, shared, tokens);
    expect(logits.map((of) => of.length)).toEqual(shared.map(({ suffixes }) => suffixes.length));
    const want = texts.map((ids) =>
      tf.tidy(() => {
        const answers = gatherRows(lm.wte, Int32Array.from(tokens));
        return [...tf.matMul(wholeHidden(lm, ids), answers, false, true).dataSync()];
      }),
    );
    expect(difference(logits.flat(2), want.flat())).toBeLessThanOrEqual(tolerance);
  });

  test('do not depend on each other, or on how many go through the model together', async () => {
    const together = await lastLogits(lm, shared, tokens);
    for (const maxTokens of [1, 40, 90])
      expect(
        difference((await lastLogits(lm, shared, tokens, undefined, maxTokens)).flat(2), together.flat(2)),
      ).toBeLessThanOrEqual(tolerance);
    for (const [f, { prefix, suffixes }] of shared.entries())
      for (const [s, suffix] of suffixes.entries()) {
        const [alone] = await lastLogits(lm, [{ prefix, suffixes: [suffix] }], tokens);
        expect(difference(alone![0]!, together[f]![s]!)).toBeLessThanOrEqual(tolerance);
      }
  });

  test('leak no tensors, tell how many are done, and may not be too long', async () => {
    const before = tf.memory().numTensors;
    let done = 0;
    await lastLogits(lm, shared, tokens, (count) => {
      done += count;
    });
    expect(done).toBe(texts.length);
    expect(await lastLogits(lm, [], tokens)).toEqual([]);
    const long = [{ prefix: random(TINY.n_positions), suffixes: [[1]] }];
    await expect(lastLogits(lm, long, tokens)).rejects.toThrow(UserError);
    await expect(lastLogits(lm, long, tokens)).rejects.toThrow('too long');
    expect(tf.memory().numTensors).toBe(before);
  });

  // In bfloat16 the gradients of shared rows are rounded at other places.
  test.skipIf(backend.endsWith('bfloat16'))('have the gradients that each has on its own', () => {
    const gradients = (loss: () => tf.Tensor) =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => loss().square().sum().asScalar(), [...lm.params.values()]);
        return Object.values(grads).flatMap((grad) => [...grad.dataSync()]);
      });
    const shared = gradients(() => lastHidden(lm, texts));
    const alone = gradients(() => tf.concat(texts.map((ids) => wholeHidden(lm, ids))));
    expect(Math.max(...alone.map(Math.abs))).toBeGreaterThan(1);
    expect(difference(shared, alone)).toBeLessThan(2e-4);
  });
});
