/**
 * The engine with activations stored as bfloat16: fused operations against plain float32 ones, and what tfjs' own kernels and
 * users see of such tensors, which is float32.
 */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { NativeBackend } from '../../src/engine/backend.js';
import type { HostMemory } from '../../src/engine/engines/cpu/memory.js';
import { layerNorm, linear } from '../../src/engine/fused.js';
import { type Precision, startEngine } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';
import { UserError } from '../../src/store/errors.js';
import { HALF_ULP, rounded } from '../kernels/bfloat16.js';
import { cases } from './cases.js';
import { backends, difference, evaluate, hasAddon, noise, use } from './harness.js';

describe('a precision that is not to be had', () => {
  afterAll(() => use('js'));

  test('bfloat16 on wasm', async () => {
    const start = startEngine('wasm', { precision: 'bfloat16' });
    await expect(start).rejects.toThrow(UserError);
    await expect(start).rejects.toThrow('precision bfloat16: the engine wasm has float32 only');
  });

  test('an unknown one', async () => {
    const start = startEngine('cpu', { precision: 'float16' as Precision });
    await expect(start).rejects.toThrow(UserError);
    await expect(start).rejects.toThrow('precision "float16" is unknown; choose one of float32, bfloat16');
  });
});

describe.runIf(hasAddon)('bfloat16', () => {
  beforeEach(() => use('cpu bfloat16'));
  afterAll(() => use('js'));

  const backend = () => tf.backend() as NativeBackend;
  const pool = () => (backend().storage as HostMemory).pool;
  const stored = (t: tf.Tensor) => backend().stored(t) as Float32Array | Uint16Array;
  const isStoredInHalves = (t: tf.Tensor) => stored(t) instanceof Uint16Array;

  /** A tensor of n·n numbers as a fused operation leaves it: x times the identity. */
  function activations(n = 64, seed = 1): tf.Tensor2D {
    return tf.tidy(() => linear(tf.tensor2d(noise(n * n, seed), [n, n]), tf.eye(n), null));
  }
  /** What such a tensor holds. */
  const values = (n = 64, seed = 1) => rounded(noise(n * n, seed));

  test('the engine says so', async () => {
    const engine = await startEngine('cpu', { precision: 'bfloat16' });
    expect(engine.precision).toBe('bfloat16');
    expect(engine.describe()).toMatch(/^cpu \(native .*, bfloat16\)$/);
    expect((await startEngine('cpu')).describe()).not.toMatch('bfloat16');
  });

  // The inputs are numbers that bfloat16 holds, so that a value is rounded once, when it is stored: by 2⁻⁸ at most. A
  // gradient is made of the arriving gradient (rounded), of what the operation kept (rounded) and of what it rounds
  // before a product, each off by 2⁻⁸ and all independent, and is then stored: 4 · 2⁻⁸ of the largest.
  test.each(cases)(
    '$name: value and gradients equal plain ops in float32',
    async ({ shapes, op, plain, scale }) => {
      const inputs = shapes.map((s, i) => rounded(noise(tf.util.sizeFromShape(s), i + 1, scale)));
      const before = tf.memory().numTensors;
      const got = evaluate(op, inputs, shapes);
      expect(tf.memory().numTensors).toBe(before);
      for (const array of [got.value, ...got.grads]) expect(array).toBeInstanceOf(Float32Array);
      await use('js');
      const want = evaluate(plain, inputs, shapes);
      expect(difference(got.value, want.value)).toBeLessThan(1.01 * HALF_ULP);
      for (const [i, grad] of got.grads.entries())
        expect(difference(grad, want.grads[i]!)).toBeLessThan(4 * HALF_ULP);
    },
  );

  test('halves are what is stored, floats what is read', async () => {
    const t = activations();
    expect(isStoredInHalves(t)).toBe(true);
    expect(t.dtype).toBe('float32');
    for (const read of [t.dataSync(), await t.data(), new Float32Array((await t.buffer()).values)])
      expect(read).toEqual(values());
    expect(t.arraySync()[1]).toEqual([...values().subarray(64, 128)]);
    // Reading is no reason to store it otherwise.
    expect(isStoredInHalves(t)).toBe(true);
    t.dispose();
  });

  test("tfjs' own kernels work on them", () => {
    const x = activations();
    const raw = values();
    const sum = raw.reduce((a, b) => a + b, 0);
    const clone = x.clone();
    const flat = x.reshape<tf.Tensor1D>([4096]);
    tf.tidy(() => {
      expect(x.mul(x).dataSync()).toEqual(raw.map((v) => v * v));
      expect(x.sum().dataSync()[0]).toBeCloseTo(sum, 3);
      expect(x.slice([3, 0], [2, 64]).dataSync()).toEqual(raw.subarray(192, 320));
      expect(tf.concat([x, x], 0).dataSync()).toEqual(Float32Array.of(...raw, ...raw));
      expect(x.transpose().transpose().dataSync()).toEqual(raw);
      expect(x.relu().dataSync()).toEqual(raw.map((v) => Math.max(v, 0)));
      expect(x.argMax(1).dtype).toBe('int32');
      expect(difference(x.matMul<tf.Tensor>(x).dataSync() as Float32Array, product(raw))).toBeLessThan(1e-6);
    });
    expect(flat.dataSync()).toEqual(raw);
    x.dispose();
    expect(clone.dataSync()).toEqual(raw);
    expect(flat.slice([4000], [96]).dataSync()).toEqual(raw.subarray(4000));
    tf.dispose([clone, flat]);
  });

  /** x x for x [64,64]. */
  const product = (x: Float32Array) =>
    Float64Array.from(x, (_, at) => {
      let sum = 0;
      for (let k = 0; k < 64; k++) sum += x[Math.floor(at / 64) * 64 + k]! * x[k * 64 + (at % 64)]!;
      return sum;
    });

  test('sums and multiples of them are stored like them; with a float32 tensor, in float32', () => {
    const [x, y] = [activations(64, 1), activations(64, 2)];
    const [a, b] = [values(64, 1), values(64, 2)];
    const floats = tf.tensor2d(noise(4096, 3), [64, 64]);
    const sums = a.map((v, i) => v + b[i]!);
    tf.tidy(() => {
      const [sum, scaled, three, mixed] = [x.add(y), x.mul(0.3), tf.addN([x, y, x]), x.add(floats)];
      for (const t of [sum, scaled, three]) expect(isStoredInHalves(t)).toBe(true);
      expect(sum.dataSync()).toEqual(rounded(sums));
      expect(scaled.dataSync()).toEqual(rounded(a.map((v) => v * Math.fround(0.3))));
      expect(three.dataSync()).toEqual(rounded(rounded(sums).map((v, i) => v + a[i]!)));
      expect(isStoredInHalves(mixed)).toBe(false);
      expect(mixed.dataSync()).toEqual(noise(4096, 3).map((v, i) => v + a[i]!));
    });
    tf.dispose([x, y, floats]);
  });

  test.each(backends.filter((name) => name !== 'cpu'))('they move to %s and back', async (other) => {
    const before = tf.memory().numDataBuffers;
    const x = activations();
    const clone = x.clone();
    await use(other);
    const there = tf.tidy(() => tf.add(x, tf.scalar(0.25)));
    expect(there.dataSync()).toEqual(values().map((v) => v + 0.25));
    await use('cpu bfloat16');
    const here = tf.tidy(() => linear(clone as tf.Tensor2D, tf.eye(64), null));
    expect(here.dataSync()).toEqual(values());
    expect(isStoredInHalves(here)).toBe(true);
    tf.dispose([x, clone, there, here]);
    expect(tf.memory().numDataBuffers).toBe(before);
  });

  test('a variable may take such a value, and is float32 where the optimizer writes', () => {
    const v = tf.tidy(() => tf.variable(activations()));
    expect(v.dataSync()).toEqual(values());
    const raw = backend().writable(v) as Float32Array;
    expect(raw).toBeInstanceOf(Float32Array);
    raw[0] = 1 + 2 ** -20;
    expect(v.dataSync()[0]).toBe(1 + 2 ** -20);
    v.dispose();
  });

  describe('pooled buffers', () => {
    /** Of t's data as they are stored now. */
    const bufferOf = (t: tf.Tensor) => stored(t).buffer;

    test('are recycled when their tensors are gone, between types too', () => {
      const t = activations();
      const buffer = bufferOf(t);
      expect(buffer.byteLength).toBe(8192);
      const { idleBytes } = pool();
      t.dispose();
      expect(pool().idleBytes).toBe(idleBytes + 8192);
      expect(pool().take(2048).buffer).toBe(buffer);
    });

    test('belong to one tensor at a time', () => {
      const [x, y] = [activations(64, 1), activations(64, 2)];
      expect(bufferOf(x)).not.toBe(bufferOf(y));
      const clone = x.clone();
      x.dispose();
      // Takes every free buffer and overwrites it.
      const others = Array.from({ length: 8 }, (_, i) => activations(64, 10 + i));
      expect(new Set([clone, y, ...others].map(bufferOf)).size).toBe(10);
      expect(clone.dataSync()).toEqual(values(64, 1));
      tf.dispose([clone, y, ...others]);
    });

    test("are not given back once tfjs' kernels may have views of them", () => {
      const t = activations();
      const half = tf.slice(t, [32, 0], [32, 64]);
      const { idleBytes } = pool();
      t.dispose();
      expect(pool().idleBytes).toBe(idleBytes);
      tf.dispose(Array.from({ length: 8 }, (_, i) => activations(64, 10 + i)));
      expect(half.dataSync()).toEqual(values().subarray(2048));
      half.dispose();
    });

    test('what a user has read never changes', () => {
      const t = activations();
      const seen = t.dataSync();
      t.dispose();
      tf.dispose(Array.from({ length: 8 }, (_, i) => activations(64, 10 + i)));
      expect(seen).toEqual(values());
    });
  });

  describe('switching', () => {
    const raw = noise(64 * 64, 5);
    /** The value and the gradient of a small program, and what it stores. */
    const run = () =>
      tf.tidy(() => {
        const x = tf.tensor2d(raw, [64, 64]);
        const [gamma, beta] = [tf.ones([64]) as tf.Tensor1D, tf.zeros([64]) as tf.Tensor1D];
        const f = (t: tf.Tensor) => {
          const normed = layerNorm(t as tf.Tensor2D, gamma, beta, 1e-5);
          return linear(normed, tf.tensor2d(raw, [64, 64]), null, { activation: 'gelu', residual: normed });
        };
        const y = f(x);
        return [y.dataSync(), tf.grad(f)(x).dataSync(), isStoredInHalves(y)] as const;
      });

    test('between runs gives each what it gives alone', async () => {
      const halves = run();
      await use('cpu');
      const floats = run();
      await use('cpu bfloat16');
      expect(run()).toEqual(halves);
      await use('cpu');
      expect(run()).toEqual(floats);
      expect([halves[2], floats[2]]).toEqual([true, false]);
      expect(difference(halves[0] as Float32Array, floats[0] as Float32Array)).toBeLessThan(4 * HALF_ULP);
      expect(difference(halves[1] as Float32Array, floats[1] as Float32Array)).toBeLessThan(8 * HALF_ULP);
    });

    test('leaves tensors of the other precision usable', async () => {
      const x = activations();
      await use('cpu');
      const y = tf.tidy(() => linear(x, tf.eye(64), null));
      expect(isStoredInHalves(y)).toBe(false);
      expect(y.dataSync()).toEqual(values());
      const fine = tf.tidy(() => linear(tf.tensor2d(noise(4096, 6), [64, 64]), tf.eye(64), null));
      await use('cpu bfloat16');
      const z = tf.tidy(() => linear(fine, tf.eye(64), null, { residual: x }));
      const sums = rounded(noise(4096, 6)).map((v, i) => v + values()[i]!);
      expect(z.dataSync()).toEqual(rounded(sums));
      tf.dispose([x, y, fine, z]);
    });
  });
});
