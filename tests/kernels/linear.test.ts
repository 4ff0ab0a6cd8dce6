import { expect, it } from 'vitest';
import {
  blank,
  differences,
  dot,
  expectClose,
  expectGradient,
  expectSameBits,
  native,
  random,
  underEverySetting,
} from './harness.js';
import { linear } from './reference.js';

underEverySetting('linear', (use) => {
  for (const [M, N, K] of [
    [1, 3, 17],
    [17, 130, 3],
    [130, 17, 33],
    [70, 49, 400],
  ] as const)
    for (const transW of [false, true])
      for (const act of [0, 1] as const)
        it(`forward [${M},${K}] x [${K},${N}]${transW ? ' transW' : ''}${act ? ' GELU' : ''}`, () => {
          use();
          const x = random(M * K, 1);
          const w = random(K * N, 2, 0.5);
          const bias = random(N, 3);
          const residual = random(M * N, 4);
          const expected = linear(M, N, K, x, w, transW, bias, act, residual);
          const y = blank(M * N);
          const pre = blank(M * N);
          native.linearForward(M, N, K, x, w, transW, bias, act, residual, y, pre);
          expectClose(y, expected.y, 3e-5);
          if (act === 1) expectClose(pre, expected.pre, 3e-5);
          native.linearForward(M, N, K, x, w, transW, null, act, null, y, null);
          expectClose(y, linear(M, N, K, x, w, transW, null, act, null).y, 3e-5);
        });

  for (const transW of [false, true])
    for (const act of [0, 1] as const)
      it(`backward agrees with finite differences${transW ? ' transW' : ''}${act ? ' GELU' : ''}`, () => {
        use();
        const [M, N, K] = [19, 21, 13];
        const x = random(M * K, 5);
        const w = random(K * N, 6);
        const bias = random(N, 7);
        const dy = random(M * N, 8);
        const pre = Float32Array.from(linear(M, N, K, x, w, transW, bias, 0, null).y);
        const [dx, dw, dbias] = [blank(M * K), blank(K * N), blank(N)];
        native.linearBackward(M, N, K, x, w, transW, act, act ? pre : null, dy, dx, dw, dbias);
        const [x64, w64, b64] = [Float64Array.from(x), Float64Array.from(w), Float64Array.from(bias)];
        const loss = () => dot(linear(M, N, K, x64, w64, transW, b64, act, null).y, dy);
        expectGradient(dx, differences(x64, loss, 3));
        expectGradient(dw, differences(w64, loss, 3));
        expectGradient(dbias, differences(b64, loss));

        const alone = blank(K * N);
        native.linearBackward(M, N, K, x, w, transW, act, act ? pre : null, dy, null, alone, null);
        expectSameBits(alone, dw);
      });

  it('sums the gradient of a bias over more rows than are summed in parallel', () => {
    use();
    // On CUDA 41 parts of 256 rows, of which 32 are added up at a time.
    const [M, N, K] = [40 * 256 + 5, 35, 1];
    const dy = random(M * N, 8);
    const dbias = blank(N);
    native.linearBackward(M, N, K, random(M, 5), random(N, 6), false, 0, null, dy, null, null, dbias);
    const expected = new Float64Array(N);
    dy.forEach((x, i) => {
      expected[i % N]! += x;
    });
    expectClose(dbias, expected, 2e-5);
  });

  it('does not depend on the batch', () => {
    use();
    const [M, N, K] = [40, 150, 300];
    const x = random(M * K, 9);
    const w = random(K * N, 10);
    const bias = random(N, 11);
    const all = blank(M * N);
    native.linearForward(M, N, K, x, w, false, bias, 1, null, all, null);
    for (const row of [0, 17, 39]) {
      const one = blank(N);
      native.linearForward(1, N, K, x.subarray(row * K, (row + 1) * K), w, false, bias, 1, null, one, null);
      expectSameBits(one, all.subarray(row * N, (row + 1) * N));
    }
  });
});

it('GELU keeps its relative precision, its limits and NaN', () => {
  for (const isa of native.availableIsas()) {
    native.setIsa(isa);
    const x = Float32Array.from([-100, -20, -5, -1e-3, -0, 1e-6, 0.3, 2, 30, 1e10, Number.NaN]);
    const y = blank(x.length);
    native.linearForward(x.length, 1, 1, x, Float32Array.of(1), false, null, 1, null, y, null);
    for (let i = 0; i < 10; i++) {
      const v = x[i]!;
      const expected = v / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
      // The exponent's own rounding grows with its size, so only moderate arguments are held to a few ulp.
      expect(Math.abs(y[i]! - expected)).toBeLessThanOrEqual(
        1e-30 + Math.abs(expected) * (v < -3 ? 2e-6 : 5e-7),
      );
    }
    expect(y[10]).toBeNaN();
  }
});

it('names the argument of a wrong length', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() => native.linearForward(2, 3, 4, f(8), f(12), false, f(2), 0, null, f(6), null)).toThrow(
    new RangeError('linearForward: bias must have 3 elements, has 2'),
  );
  expect(() => native.linearForward(2, 3, 4, f(8), f(12), false, null, 0, f(5), f(6), null)).toThrow(
    /linearForward: residual must have 6/,
  );
  expect(() => native.linearBackward(2, 3, 4, f(8), f(12), false, 1, null, f(6), f(8), f(12), f(3))).toThrow(
    /linearBackward: pre is needed/,
  );
  expect(() => native.linearBackward(2, 3, 4, f(8), f(12), false, 0, null, f(6), f(8), f(11), f(3))).toThrow(
    /linearBackward: dw must have 12/,
  );
});
