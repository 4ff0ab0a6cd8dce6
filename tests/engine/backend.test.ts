import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NativeBackend } from '../../src/engine/backend.js';
import {
  type AdamHyper,
  adamw,
  createAdamState,
  disposeAdamState,
  globalNorm,
} from '../../src/engine/fused.js';
import { ENGINES, type EngineName, startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';
import { backends, difference, hasAddon, noise, use } from './harness.js';

const random = (shape: number[], seed: number) => tf.tensor(noise(tf.util.sizeFromShape(shape), seed), shape);

test('an unknown engine is refused', async () => {
  await expect(startEngine('tpu' as EngineName)).rejects.toThrow(`choose one of ${ENGINES.join(', ')}`);
});

describe.each(backends.filter((b) => b !== 'js'))('tfjs on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  type Product = [a: number[], b: number[], transposeA: boolean, transposeB: boolean];
  const shapes: Product[] = [
    [[3, 4], [4, 5], false, false],
    [[4, 3], [4, 5], true, false],
    [[3, 4], [5, 4], false, true],
    [[4, 3], [5, 4], true, true],
    [[33, 70], [70, 41], false, false],
    [[70, 33], [41, 70], true, true],
    [[2, 3, 33, 40], [2, 3, 40, 21], false, false],
    [[2, 3, 40, 33], [2, 3, 21, 40], true, true],
    [[6, 33, 40], [6, 21, 40], false, true],
    [[5, 3, 4], [1, 4, 6], false, false],
    [[1, 3, 4], [5, 4, 6], false, false],
    [[5, 4, 3], [1, 4, 6], true, false],
    // tfjs gives half of the numbers here; its webgpu refuses.
    ...(backend === 'webgpu' ? [] : ([[[2, 1, 3, 4], [1, 5, 4, 6], false, false]] as Product[])),
  ];
  test.each(shapes)('matMul %j × %j, transposed %j %j', async (a, b, ta, tb) => {
    // Where both sides have dimensions to broadcast, tfjs' JavaScript makes half of the product; TensorFlow all of it.
    if (backend === 'tensorflow' && a[0] !== b[0] && a[1] !== b[1] && a.length > 3) return;
    const product = () => tf.tidy(() => tf.matMul(random(a, 1), random(b, 2), ta, tb));
    const got = product();
    const values = got.dataSync();
    await use('js');
    const want = product();
    expect(got.shape).toEqual(want.shape);
    expect(difference(values as Float32Array, want.dataSync() as Float32Array)).toBeLessThan(1e-5);
    tf.dispose([got, want]);
    await use(backend);
  });

  test('a fused product adds its bias and applies its activation', () => {
    const fused = tf.tidy(() =>
      tf.fused
        .matMul({
          a: random([5, 6], 1) as tf.Tensor2D,
          b: random([6, 7], 2) as tf.Tensor2D,
          bias: random([7], 3),
          activation: 'relu',
        })
        .dataSync(),
    );
    const plain = tf.tidy(() =>
      tf.relu(tf.matMul(random([5, 6], 1), random([6, 7], 2)).add(random([7], 3))).dataSync(),
    );
    expect(difference(fused as Float32Array, plain as Float32Array)).toBeLessThan(1e-6);
  });

  test('AdamW follows its formula and globalNorm is the norm', () => {
    const hyper: AdamHyper = { lr: 0.01, beta1: 0.9, beta2: 0.98, eps: 1e-6, clip: 0 };
    const shapes = [[40, 30], [7]];
    const decay = [0.1, 0];
    const before = tf.memory().numTensors;
    const params = shapes.map((s, i) => tf.tidy(() => tf.variable(random(s, i + 1))));
    const state = createAdamState(params);
    const p = shapes.map((s, i) => Float64Array.from(noise(tf.util.sizeFromShape(s), i + 1)));
    const m = p.map((x) => new Float64Array(x.length));
    const v = p.map((x) => new Float64Array(x.length));
    for (let step = 1; step <= 3; step++) {
      const raw = shapes.map((s, i) => noise(tf.util.sizeFromShape(s), 10 * step + i));
      const grads = shapes.map((s, i) => tf.tensor(raw[i]!, s));
      const norm = Math.sqrt(raw.reduce((sum, g) => sum + g.reduce((a, x) => a + x * x, 0), 0));
      expect(Math.abs(globalNorm(grads) / norm - 1)).toBeLessThan(1e-6);
      // Cut to half of its length the first two times, the last time not.
      hyper.clip = step === 3 ? 2 * norm : norm / 2;
      const losses = [1.5, -0.25].map((x) => tf.scalar(x));
      const outcome = adamw(params, grads, losses, state, decay, hyper);
      expect(outcome).toEqual({ loss: 1.25, gradNorm: expect.closeTo(norm, 4), finite: true });
      tf.dispose([...grads, ...losses]);
      p.forEach((x, k) => {
        for (let i = 0; i < x.length; i++) {
          const g = raw[k]![i]! * (step === 3 ? 1 : 0.5);
          m[k]![i] = 0.9 * m[k]![i]! + 0.1 * g;
          v[k]![i] = 0.98 * v[k]![i]! + 0.02 * g * g;
          const update = m[k]![i]! / (1 - 0.9 ** step) / (Math.sqrt(v[k]![i]! / (1 - 0.98 ** step)) + 1e-6);
          x[i] = x[i]! * (1 - 0.01 * decay[k]!) - 0.01 * update;
        }
      });
    }
    params.forEach((x, k) => {
      expect(difference(x.dataSync() as Float32Array, p[k]!)).toBeLessThan(1e-5);
    });
    disposeAdamState(state);
    tf.dispose(params);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('AdamW changes nothing where the loss or a gradient is no number, and tells what it made infinite', () => {
    const hyper: AdamHyper = { lr: 0.01, beta1: 0.9, beta2: 0.98, eps: 1e-6, clip: 1 };
    const param = tf.tidy(() => tf.variable(random([40, 30], 1)));
    const state = createAdamState([param]);
    const all = () => [param, state.m[0]!, state.v[0]!].map((x) => [...x.dataSync()]);
    const before = all();
    const good = tf.tidy(() => random([40, 30], 2));
    const one = tf.scalar(1);
    const cases: [loss: tf.Scalar, grad: tf.Tensor][] = [
      [tf.scalar(Number.NaN), good],
      [tf.scalar(Number.POSITIVE_INFINITY), good],
      [one, tf.fill([40, 30], Number.NaN)],
      [one, tf.fill([40, 30], Number.NEGATIVE_INFINITY)],
    ];
    for (const [loss, grad] of cases) {
      const outcome = adamw([param], [grad], [loss], state, [0.1], hyper);
      expect(Number.isFinite(outcome.loss) && Number.isFinite(outcome.gradNorm)).toBe(false);
      expect(outcome.finite).toBe(true);
      expect(state.step).toBe(0);
      expect(all()).toEqual(before);
    }
    const outcome = adamw([param], [good], [one], state, [0.1], { ...hyper, lr: 3e38 * 100 });
    expect(outcome).toMatchObject({ loss: 1, finite: false });
    expect(state.step).toBe(1);
    tf.dispose([param, one, good, cases]);
    disposeAdamState(state);
  });
});

describe.runIf(hasAddon)('pooled buffers', () => {
  beforeAll(() => use('cpu'));
  afterAll(() => use('js'));
  const big = () => tf.tidy(() => tf.matMul(random([64, 64], 1), random([64, 64], 2)));
  /** Work that would take every free buffer and overwrite it. */
  const churn = () =>
    tf.tidy(() => Array.from({ length: 8 }, (_, i) => tf.matMul(tf.fill([64, 64], i), tf.fill([64, 64], 1))));

  test('an array that a user has read never changes', () => {
    const t = big();
    const seen = t.dataSync();
    const copy = seen.slice();
    t.dispose();
    tf.dispose(churn());
    expect(seen).toEqual(copy);
  });

  test('a view that a tfjs kernel keeps outlives its tensor', () => {
    const t = big();
    const want = t.dataSync().slice(64 * 32);
    const half = tf.slice(t, [32, 0], [32, 64]);
    const flat = t.reshape([4096]);
    t.dispose();
    tf.dispose(churn());
    expect(half.dataSync()).toEqual(want);
    expect(flat.dataSync().slice(64 * 32)).toEqual(want);
    tf.dispose([half, flat]);
  });

  test('the optimizer leaves clones and what was read alone', () => {
    const v = tf.tidy(() => tf.variable(big()));
    const clone = v.clone();
    const seen = v.dataSync();
    const copy = seen.slice();
    const grads = [tf.ones([64, 64])];
    const state = createAdamState([v]);
    adamw([v], grads, [], state, [0], { lr: 0.1, beta1: 0.9, beta2: 0.9, eps: 1e-8, clip: 0 });
    expect(clone.dataSync()).toEqual(copy);
    expect(seen).toEqual(copy);
    expect(v.dataSync()).not.toEqual(copy);
    tf.dispose([v, clone, ...grads]);
    disposeAdamState(state);
  });

  test('buffers are reused', () => {
    const { storage } = tf.backend() as NativeBackend;
    const t = big();
    t.dispose();
    const first = storage.floats(4096) as Float32Array;
    expect(first.length).toBe(4096);
    expect(first.some((x) => x !== 0)).toBe(true);
  });
});
