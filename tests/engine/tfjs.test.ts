/** What tfjs promises its users and its conformance tests (tests/conformance) do not reach. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/engine/tf.js';
import { backends, hasAddon, noise, use } from './harness.js';

describe('chained operations', () => {
  beforeAll(() => use('js'));

  test('are all that tfjs declares', () => {
    const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core');
    const folder = join(dirname(main), 'public', 'chained_ops');
    const declared = readdirSync(folder)
      .filter((file) => file.endsWith('.d.ts'))
      .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/^ {8}(\w+)[<(]/gm)])
      .map((match) => match[1]!);
    expect(declared.length).toBeGreaterThan(130);
    expect(declared.filter((name) => !(name in tf.Tensor.prototype))).toEqual([]);
  });

  test('that are no tfjs functions of the same name', () => {
    const x = tf.tensor1d([0, 2]);
    const y = tf.tensor1d([3, 4]);
    const arrays = tf.tidy(() => [
      x.concat(y).arraySync(),
      x.concat([y, x]).arraySync(),
      x.stack(y, 1).arraySync(),
      x.where(tf.tensor1d([true, false], 'bool'), y).arraySync(),
      x.as2D(2, 1).arraySync(),
      x.as2D(2, 1).flatten().arraySync(),
      x.reshapeAs(x.as3D(1, 2, 1)).arraySync(),
      x.slice([1], [1]).asScalar().arraySync(),
      x.toBool().arraySync(),
      tf.ones([1, 1, 1]).as3D(1, 1, 1).resizeBilinear([1, 2]).flatten().arraySync(),
    ]);
    expect(arrays).toEqual([
      [0, 2, 3, 4],
      [0, 2, 3, 4, 0, 2],
      [
        [0, 3],
        [2, 4],
      ],
      [0, 4],
      [[0], [2]],
      [0, 2],
      [[[0], [2]]],
      2,
      [0, 1],
      [1, 1],
    ]);
    expect(() => x.asScalar()).toThrow('only 1 element');
    tf.dispose([x, y]);
    expect(() => x.neg()).toThrow('disposed');
  });
});

describe.runIf(hasAddon)('tfjs on cpu', () => {
  beforeAll(() => use('cpu'));
  afterAll(() => use('js'));

  test.each([
    [
      [1, 1, 3, 4],
      [5, 4, 6],
    ],
    [
      [5, 3, 4],
      [1, 1, 4, 6],
    ],
    [
      [0, 3, 4],
      [1, 4, 6],
    ],
    [
      [2, 3, 4],
      [2, 4, 0],
    ],
  ])('matMul %j × %j has the shape that tfjs gives it', async (a, b) => {
    const product = () => tf.tidy(() => tf.matMul(tf.ones(a), tf.ones(b)));
    const got = product();
    const values = got.dataSync();
    await use('js');
    const want = product();
    expect(got.shape).toEqual(want.shape);
    expect(values).toEqual(want.dataSync());
    tf.dispose([got, want]);
    await use('cpu');
  });

  test('operands of other types are converted', () => {
    const [sum, product] = tf.tidy(() => {
      const x = tf.fill([64, 64], 0.5);
      const ones = tf.ones([64, 64], 'int32');
      return [tf.add(x, ones).dataSync(), tf.matMul(x, tf.cast(ones, 'bool')).dataSync()];
    });
    expect(new Set(sum)).toEqual(new Set([1.5]));
    expect(new Set(product)).toEqual(new Set([32]));
  });

  test.each(backends.filter((name) => name !== 'cpu'))('tensors move to %s and back', async (other) => {
    const before = tf.memory();
    const raw = noise(64 * 64, 1);
    const ours = tf.tidy(() => tf.mul(tf.tensor(raw, [64, 64]), 2));
    const clone = ours.clone();
    await use(other);
    const theirs = tf.tensor(raw, [64, 64]);
    // Mixed operands: each moves to the backend that is current.
    const there = tf.add(ours, theirs);
    expect(there.dataSync()).toEqual(raw.map((x) => 3 * x));
    await use('cpu');
    const here = tf.add(theirs, clone);
    expect(here.dataSync()).toEqual(there.dataSync());
    expect(ours.dataSync()).toEqual(raw.map((x) => 2 * x));
    ours.dispose();
    expect(clone.dataSync()).toEqual(raw.map((x) => 2 * x));
    tf.dispose([clone, theirs, there, here]);
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    expect([numTensors, numDataBuffers, numBytes]).toEqual([
      before.numTensors,
      before.numDataBuffers,
      before.numBytes,
    ]);
  });
});
