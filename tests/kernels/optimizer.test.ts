import { expect, it } from 'vitest';
import { expectClose, native, random, underEverySetting } from './harness.js';

const lengths = [1, 17, 130, 40_000];

underEverySetting('optimizer', (use) => {
  it('globalNorm', () => {
    use();
    const arrays = lengths.map((n, i) => random(n, i));
    let sum = 0;
    for (const a of arrays) for (const x of a) sum += x * x;
    expect(native.globalNorm(arrays)).toBeCloseTo(Math.sqrt(sum), 10);
    expect(native.globalNorm([])).toBe(0);
  });

  it('adamw follows the formula for three steps', () => {
    use();
    const params = lengths.map((n, i) => random(n, i));
    const expected = params.map((p) => Float64Array.from(p));
    const m = lengths.map((n) => new Float32Array(n));
    const v = lengths.map((n) => new Float32Array(n));
    const m64 = lengths.map((n) => new Float64Array(n));
    const v64 = lengths.map((n) => new Float64Array(n));
    const decay = Float64Array.of(0, 0.1, 0.5, 0.01);
    const [lr, beta1, beta2, eps, scale] = [0.01, 0.9, 0.98, 1e-8, 0.5];
    for (let step = 1; step <= 3; step++) {
      const grads = lengths.map((n, i) => random(n, 10 * step + i));
      native.adamw(params, grads, m, v, decay, lr, beta1, beta2, eps, step, scale);
      expected.forEach((p, a) => {
        for (let i = 0; i < p.length; i++) {
          const g = grads[a]![i]! * scale;
          m64[a]![i] = beta1 * m64[a]![i]! + (1 - beta1) * g;
          v64[a]![i] = beta2 * v64[a]![i]! + (1 - beta2) * g * g;
          const mHat = m64[a]![i]! / (1 - beta1 ** step);
          const vHat = v64[a]![i]! / (1 - beta2 ** step);
          p[i]! -= lr * (mHat / (Math.sqrt(vHat) + eps) + decay[a]! * p[i]!);
        }
      });
    }
    expected.forEach((p, a) => {
      expectClose(params[a]!, p, 1e-6);
      expectClose(m[a]!, m64[a]!, 1e-6);
      expectClose(v[a]!, v64[a]!, 1e-6);
    });
  });
});

it('refuses arrays that do not fit together', () => {
  const f = (n: number) => [new Float32Array(n)];
  const call = (g: Float32Array[], decay: number) => () =>
    native.adamw(f(3), g, f(3), f(3), new Float64Array(decay), 0.1, 0.9, 0.9, 1e-8, 1, 1);
  expect(call(f(2), 1)).toThrow(new RangeError('adamw: grads [0] must have 3 elements, has 2'));
  expect(call([], 1)).toThrow(/adamw: grads must have as many arrays/);
  expect(call(f(3), 2)).toThrow(/adamw: weightDecay must have 1/);
});
