import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linearCompare } from '../../src/engine/fused.js';
import { linearCompareComposed } from '../../src/engine/ops/linear-compare.js';
import * as tf from '../../src/engine/tf.js';
import { rounded } from '../kernels/bfloat16.js';
import { difference, noise, settings, use } from './harness.js';

const [M, V, Dq, Dp] = [7, 9, 6, 4];
const labels = Int32Array.from({ length: M }, (_, m) => (m * 5) % V);
const shapes = [
  [M, Dq],
  [V, Dq],
  [M, Dp],
  [V, Dp],
] as [number, number][];

describe.each(settings)('linearCompare on %s', (setting) => {
  beforeAll(() => use(setting));
  afterAll(() => use('js'));

  // In bfloat16 what goes in is rounded already: sums are in float32 there too.
  const numbers = shapes.map(([m, n], i) => {
    const values = noise(m * n, i + 1, 2);
    return setting.endsWith('bfloat16') ? rounded(values) : values;
  });

  test.each([
    ['as it is dispatched', linearCompare],
    [
      'composed in chunks of 3 rows',
      (...x: Parameters<typeof linearCompare>) => linearCompareComposed(...x, 3),
    ],
  ])('%s: KL and both log-probabilities are those of the softmaxes', (_name, op) => {
    const before = tf.memory().numTensors;
    const [hq, wq, hp, wp] = numbers.map((values, i) => tf.tensor2d(values, shapes[i]!)) as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    const { exact, logQ, logP } = op(hq, wq, hp, wp, labels);
    const got = [exact, logQ, logP].map((t) => t.dataSync() as Float32Array);
    tf.dispose([hq, wq, hp, wp, exact, logQ, logP]);
    expect(tf.memory().numTensors).toBe(before);

    const logProbs = (h: Float32Array, w: Float32Array, D: number) =>
      Array.from({ length: M }, (_, m) => {
        const logits = Array.from({ length: V }, (_, v) =>
          Array.from({ length: D }, (_, d) => h[m * D + d]! * w[v * D + d]!).reduce((a, b) => a + b),
        );
        const lse = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
        return logits.map((z) => z - lse);
      });
    const [lq, lp] = [logProbs(numbers[0]!, numbers[1]!, Dq), logProbs(numbers[2]!, numbers[3]!, Dp)];
    const kl = lq.map((row, m) => row.reduce((sum, l, v) => sum + Math.exp(l) * (l - lp[m]![v]!), 0));
    expect(difference(got[0]!, kl)).toBeLessThan(1e-5);
    for (const [of, want] of [
      [got[1]!, lq],
      [got[2]!, lp],
    ] as const)
      expect(
        difference(
          of,
          want.map((row, m) => row[labels[m]!]!),
        ),
      ).toBeLessThan(1e-5);
  });
});
