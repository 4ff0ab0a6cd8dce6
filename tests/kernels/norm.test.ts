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
import { norm } from './reference.js';

const eps = 1e-5;

underEverySetting('norm', (use) => {
  for (const kind of [0, 1] as const)
    for (const [M, D] of [
      [1, 1],
      [3, 17],
      [300, 130],
      [9, 768],
      [3, 2304],
    ] as const)
      it(`forward, kind ${kind}, [${M},${D}]`, () => {
        use();
        // An offset much larger than the spread: a one-pass variance would lose its digits.
        const x = random(M * D, 1).map((v) => v + (kind === 0 ? 30 : 0));
        const gamma = random(D, 2);
        const beta = kind === 0 ? random(D, 3) : null;
        const expected = norm(kind, M, D, eps, x, gamma, beta);
        const [y, mean, rstd] = [blank(M * D), blank(M), blank(M)];
        native.normForward(kind, M, D, eps, x, gamma, beta, y, kind === 0 ? mean : null, rstd);
        expectClose(y, expected.y, D === 1 ? 2e-3 : 2e-5);
        if (kind === 0) expectClose(mean, expected.mean, 1e-6);
        expectClose(rstd, expected.rstd, 1e-5);
      });

  for (const kind of [0, 1] as const)
    for (const [M, D, strideX, strideG] of [
      [67, 21, 17, 1],
      [67, 132, 611, 11],
      [19, 384, 509, 29],
      [3, 2304, 997, 199],
    ] as const)
      it(`backward agrees with finite differences, kind ${kind}, [${M},${D}]`, () => {
        use();
        const x = random(M * D, 4);
        const gamma = random(D, 5);
        const beta = kind === 0 ? random(D, 6) : null;
        const dy = random(M * D, 7);
        const [y, mean, rstd] = [blank(M * D), blank(M), blank(M)];
        native.normForward(kind, M, D, eps, x, gamma, beta, y, kind === 0 ? mean : null, rstd);
        const [dx, dgamma, dbeta] = [blank(M * D), blank(D), kind === 0 ? blank(D) : null];
        const backward = (
          residual: Float32Array | null,
          ...to: [Float32Array, Float32Array, Float32Array | null]
        ) => native.normBackward(kind, M, D, x, gamma, kind === 0 ? mean : null, rstd, dy, residual, ...to);
        backward(null, dx, dgamma, dbeta);
        const [x64, g64] = [Float64Array.from(x), Float64Array.from(gamma)];
        const b64 = beta && Float64Array.from(beta);
        const loss = () => dot(norm(kind, M, D, eps, x64, g64, b64).y, dy);
        const slopes = differences(x64, loss, strideX);
        expectGradient(dx, slopes);
        expectGradient(dgamma, differences(g64, loss, strideG));
        if (dbeta && b64) expectGradient(dbeta, differences(b64, loss, strideG));

        // Of x as it is, beside its norm, comes another gradient.
        const residual = random(M * D, 8);
        const both = blank(M * D);
        const sums = [blank(D), kind === 0 ? blank(D) : null] as const;
        backward(residual, both, ...sums);
        expectGradient(
          both,
          slopes.map((slope, i) => slope + residual[i]!),
        );
        expectSameBits(sums[0], dgamma);
        if (dbeta) expectSameBits(sums[1]!, dbeta);
      });

  it('does not depend on the batch', () => {
    use();
    const [M, D] = [300, 130];
    const x = random(M * D, 8);
    const gamma = random(D, 9);
    const all = blank(M * D);
    native.normForward(1, M, D, eps, x, gamma, null, all, null, blank(M));
    const one = blank(D);
    native.normForward(1, 1, D, eps, x.subarray(77 * D, 78 * D), gamma, null, one, null, blank(1));
    expectSameBits(one, all.subarray(77 * D, 78 * D));
  });
});

it('names the argument of a wrong length', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() => native.normForward(0, 2, 3, eps, f(6), f(4), f(3), f(6), f(2), f(2))).toThrow(
    new RangeError('normForward: gamma must have 3 elements, has 4'),
  );
  expect(() => native.normBackward(0, 2, 3, f(6), f(3), null, f(2), f(6), null, f(6), f(3), f(3))).toThrow(
    /normBackward: mean is needed/,
  );
  expect(() => native.normBackward(1, 2, 3, f(6), f(3), null, f(1), f(6), null, f(6), f(3), null)).toThrow(
    /normBackward: rstd must have 2/,
  );
});
