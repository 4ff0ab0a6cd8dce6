import { expect, it } from 'vitest';
import { blank, dot, expectClose, expectSameBits, native, random, underEverySetting } from './harness.js';

const lengths = [1, 17, 130, 40_000];

underEverySetting('optimizer', (use) => {
  it('sum', () => {
    use();
    for (const n of lengths) {
      const x = random(n, n);
      const total = blank(1);
      native.sum(x, total);
      expectClose(total, [x.reduce((sum, v) => sum + v, 0)], 1e-7);
    }
    // Floats alone would lose every one of the small numbers.
    const x = new Float32Array(40_000).fill(1e-3);
    x[0] = 2 ** 20;
    const total = blank(1);
    native.sum(x, total);
    expectClose(total, [2 ** 20 + 39.999], 1e-7);
    native.sum(new Float32Array(0), total);
    expect(total[0]).toBe(0);
  });

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
    const [lr, beta1, beta2, eps] = [0.01, 0.9, 0.98, 1e-8];
    const losses = [Float32Array.of(0.5), Float32Array.of(-2)];
    for (let step = 1; step <= 3; step++) {
      const grads = lengths.map((n, i) => random(n, 10 * step + i));
      const norm = Math.sqrt(grads.reduce((sum, g) => sum + dot(g, g), 0));
      // Cut to half of its length, left alone where the limit is above it, and where there is none.
      const clip = [norm / 2, norm * 2, 0][step - 1]!;
      const scale = step === 1 ? 0.5 : 1;
      const outcome = native.clippedAdamw(
        ...([params, grads, m, v, decay, lr, beta1, beta2, eps, step, clip, losses] as const),
      );
      expect(outcome).toEqual({ loss: -1.5, gradNorm: expect.closeTo(norm, 8), finite: true });
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

underEverySetting('a step without finite numbers', (use) => {
  const weights = () => lengths.map((n, i) => random(n, i));
  const zeros = () => lengths.map((n) => new Float32Array(n));
  /** A step from the same weights; what it says and leaves. */
  function step(change: (grads: Float32Array[], losses: Float32Array[]) => void, lr = 0.01, eps = 1e-8) {
    const [params, grads, m, v] = [weights(), lengths.map((n, i) => random(n, 10 + i)), zeros(), zeros()];
    const losses = [Float32Array.of(1), Float32Array.of(2)];
    change(grads, losses);
    const decay = new Float64Array(lengths.length);
    const outcome = native.clippedAdamw(
      ...([params, grads, m, v, decay, lr, 0.9, 0.98, eps, 1, 1, losses] as const),
    );
    return { outcome, params, m, v };
  }

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('changes nothing: %s', (bad) => {
    use();
    const inLoss = step((_, losses) => {
      losses[1]![0] = bad;
    });
    expect(inLoss.outcome.loss).toBe(bad);
    const inGradient = step((grads) => {
      grads[3]![39_999] = bad;
    });
    expect(inGradient.outcome.loss).toBe(3);
    expect(Number.isFinite(inGradient.outcome.gradNorm)).toBe(false);
    for (const { outcome, params, m, v } of [inLoss, inGradient]) {
      expect(outcome.finite).toBe(true);
      weights().forEach((w, a) => {
        expectSameBits(params[a]!, w);
      });
      zeros().forEach((z, a) => {
        expectSameBits(m[a]!, z);
        expectSameBits(v[a]!, z);
      });
    }
  });

  it('says where a parameter is none after it', () => {
    use();
    expect(step(() => {}, 1e39).outcome).toMatchObject({ loss: 3, finite: false });
    // A single one, in the last array's last chunk: with eps = 0 what has no gradient becomes 0 / 0.
    const some = (grads: Float32Array[]) => {
      grads[3]![39_999] = 0;
    };
    expect(step(() => {}, 0.01, 0).outcome.finite).toBe(true);
    const { outcome, params } = step(some, 0.01, 0);
    expect(outcome.finite).toBe(false);
    expect(params[3]!.findIndex(Number.isNaN)).toBe(39_999);
  });
});

it('refuses arrays that do not fit together', () => {
  const f = (n: number) => [new Float32Array(n)];
  const call =
    (g: Float32Array[], decay: number, losses = 1) =>
    () =>
      native.clippedAdamw(f(3), g, f(3), f(3), new Float64Array(decay), 0.1, 0.9, 0.9, 1e-8, 1, 1, f(losses));
  expect(call(f(2), 1)).toThrow(new RangeError('clippedAdamw: grads [0] must have 3 elements, has 2'));
  expect(call([], 1)).toThrow(/clippedAdamw: grads must have as many arrays/);
  expect(call(f(3), 2)).toThrow(/clippedAdamw: weightDecay must have 1/);
  expect(call(f(3), 1, 2)).toThrow(/clippedAdamw: losses \[0\] must have 1 element, has 2/);
});
