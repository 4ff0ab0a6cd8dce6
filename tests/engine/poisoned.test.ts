/**
 * Every fused operation with a pool whose arrays are full of NaN before and after their use: what it leaves unwritten, or reads
 * when its tensor is gone, shows.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/engine/tf.js';
import { poisonPool } from '../conformance/poison.js';
import { cases } from './cases.js';
import { evaluate, noise, settings, use } from './harness.js';

describe.each(settings.filter((name) => name.startsWith('cpu')))('a poisoned pool, %s', (setting) => {
  beforeAll(() => use(setting));
  afterAll(() => use('js'));

  const results = () =>
    cases.map(({ shapes, op, scale }) => {
      const inputs = shapes.map((s, i) => noise(tf.util.sizeFromShape(s), i + 1, scale));
      return evaluate(op, inputs, shapes);
    });

  test('changes no value and no gradient', () => {
    const clean = results();
    const restore = poisonPool();
    const poisoned = results();
    restore();
    cases.forEach(({ name }, i) => {
      expect(poisoned[i], name).toEqual(clean[i]);
    });
    expect(
      clean.flatMap(({ value, grads }) => [value, ...grads]).every((x) => x.every(Number.isFinite)),
    ).toBe(true);
  });
});
