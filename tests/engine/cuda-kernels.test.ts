/** tfjs kernels of the `cuda` engine beside plain JavaScript: emulated, and on a GPU where there is one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/engine/tf.js';
import { cudas, difference, noise, use } from './harness.js';

const random = (shape: number[], seed: number) => tf.tensor(noise(tf.util.sizeFromShape(shape), seed), shape);
const positive = (shape: number[], seed: number) => random(shape, seed).abs().add(0.1);

type Op = () => tf.Tensor;
const a = () => random([3, 1, 5, 2], 1);
const b = () => random([4, 1, 2], 2);
/** Operations by the names that tfjs gives its functions. */
const named = <F extends { name: string }>(functions: F[], op: (f: F) => Op): [string, Op][] =>
  functions.map((f) => [f.name.replace('__op', ''), op(f)]);

const ops: [string, Op][] = [
  ...named<(x: tf.Tensor) => tf.Tensor>(
    [tf.abs, tf.exp, tf.square, tf.neg, tf.relu, tf.sigmoid, tf.tanh, tf.sin, tf.cos, tf.erf],
    (f) => () => f(random([7, 41], 3)),
  ),
  ...named<(x: tf.Tensor) => tf.Tensor>(
    [tf.expm1, tf.softplus, tf.elu],
    (f) => () => f(random([300], 3).mul(30)),
  ),
  ...named<(x: tf.Tensor) => tf.Tensor>(
    [tf.log, tf.sqrt, tf.rsqrt, tf.reciprocal, tf.log1p],
    (f) => () => f(positive([7, 41], 4)),
  ),
  ...named<(x: tf.Tensor, y: tf.Tensor) => tf.Tensor>(
    [tf.add, tf.sub, tf.mul, tf.div, tf.maximum, tf.minimum, tf.squaredDifference],
    (f) => () => f(a(), b()),
  ),
  ['pow', () => tf.pow(positive([3, 5], 1), random([5], 2))],
  ['add of a scalar', () => random([3, 5], 1).add(2)],
  ['maximum keeps NaN', () => tf.maximum(tf.tensor1d([1, Number.NaN, 3]), tf.tensor1d([2, 0, Number.NaN]))],
  ['sum of all', () => tf.sum(random([5, 7, 3], 1))],
  ['sum of many', () => tf.sum(positive([40_000], 1))],
  ['sum over the first', () => tf.sum(random([5, 7, 3], 1), 0)],
  ['sum over the middle, kept', () => tf.sum(random([5, 7, 3], 1), 1, true)],
  ['sum over two', () => tf.sum(random([5, 7, 3], 1), [0, 2])],
  ['mean', () => tf.mean(random([5, 700], 1), -1)],
  ['max', () => tf.max(random([5, 7, 3], 1), 2)],
  ['min', () => tf.min(random([5, 7, 3], 1), [1, 2])],
  ['transpose', () => tf.transpose(random([2, 3, 4, 5], 1), [2, 0, 3, 1])],
  ['slice', () => tf.slice(random([4, 5, 6], 1), [1, 2, 3], [2, 3, -1])],
  ['split, the middle part', () => tf.split(random([4, 9, 3], 1), 3, 1)[1]!],
  ['split into unequal parts', () => tf.concat(tf.split(random([4, 9], 1), [2, 0, 6, 1], -1).reverse(), 1)],
  [
    'pad',
    () =>
      tf.pad(
        random([4, 5, 3], 1),
        [
          [1, 2],
          [0, 0],
          [0, 3],
        ],
        1.5,
      ),
  ],
  ['concat', () => tf.concat([random([2, 3, 4], 1), random([2, 5, 4], 2), random([2, 0, 4], 3)], 1)],
  ['fill', () => tf.fill([3, 4], 1.5)],
  ['softmax', () => tf.softmax(random([4, 9], 1))],
  ['int32 goes to the host', () => tf.add(tf.tensor1d([1, 2], 'int32'), tf.tensor1d([3, 4], 'int32'))],
  ['an empty one too', () => tf.add(tf.zeros([0, 3]), 1)],
  ['seven dimensions too', () => tf.add(random([1, 2, 1, 2, 1, 2, 2], 1), random([2, 1, 2, 1, 1, 2, 1], 2))],
];

describe.each(cudas)('tfjs kernels on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test.each(ops)('%s', async (_, op) => {
    await use(backend);
    const before = tf.memory();
    const got = tf.tidy(op);
    const [values, shape, dtype] = [got.dataSync(), got.shape, got.dtype];
    got.dispose();
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
    await use('js');
    const want = tf.tidy(op);
    expect(shape).toEqual(want.shape);
    expect(dtype).toBe(want.dtype);
    const nan = (x: ArrayLike<number>) => Array.from(x, Number.isNaN);
    expect(nan(values as Float32Array)).toEqual(nan(want.dataSync() as Float32Array));
    const finite = (x: ArrayLike<number>) => Array.from(x, (v) => (Number.isNaN(v) ? 0 : v));
    expect(difference(finite(values as Float32Array), finite(want.dataSync() as Float32Array))).toBeLessThan(
      2e-6,
    );
    want.dispose();
  });
});
