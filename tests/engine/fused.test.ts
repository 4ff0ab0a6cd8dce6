import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/engine/tf.js';
import { cases } from './cases.js';
import { backends, difference, evaluate, noise, use } from './harness.js';

describe.each(backends)('fused operations on %s', (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test.each(cases)('$name: value and gradients equal plain ops', async ({ shapes, op, plain, scale }) => {
    const inputs = shapes.map((s, i) => noise(tf.util.sizeFromShape(s), i + 1, scale));
    const before = tf.memory().numTensors;
    const got = evaluate(op, inputs, shapes);
    expect(tf.memory().numTensors).toBe(before);
    await use('js');
    const want = evaluate(plain, inputs, shapes);
    await use(backend);
    expect(difference(got.value, want.value)).toBeLessThan(2e-5);
    for (const [i, grad] of got.grads.entries()) expect(difference(grad, want.grads[i]!)).toBeLessThan(5e-5);
  });

  // On webgpu, which the CPU draws, they would take half a minute; there they equal those of js, above.
  test.skipIf(backend === 'webgpu').each(cases)(
    '$name: gradients equal finite differences',
    ({ shapes, op, scale }) => {
      const inputs = shapes.map((s, i) => noise(tf.util.sizeFromShape(s), i + 1, scale));
      const { grads } = evaluate(op, inputs, shapes);
      const loss = (xs: Float32Array[]) => {
        const y = tf.tidy(() => op(...xs.map((x, i) => tf.tensor(x, shapes[i]!))).dataSync() as Float32Array);
        const c = noise(y.length, 99);
        return y.reduce((sum, v, i) => sum + v * c[i]!, 0);
      };
      for (const [k, grad] of grads.entries()) {
        const size = Math.max(...grad.map(Math.abs), 0.1);
        // A handful of entries of each input: float32 differences are only good to some 1e-3.
        for (let i = 0; i < grad.length; i += Math.max(1, Math.floor(grad.length / 5))) {
          const at = (delta: number) =>
            loss(inputs.map((x, j) => (j === k ? x.map((v, n) => (n === i ? v + delta : v)) : x)));
          const slope = (at(5e-3) - at(-5e-3)) / 1e-2;
          expect(Math.abs(slope - grad[i]!) / size).toBeLessThan(5e-3);
        }
      }
    },
  );
});
