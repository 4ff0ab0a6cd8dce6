// Products of bfloat16 operands. A product of two is exact in float32 (8 + 8 significant bits), so against float64 only the
// float32 sums are off. AVX512-BF16 hardware flushes denormals, which these numbers are far from.
import { expect, it } from 'vitest';
import { rounded } from './bfloat16.js';
import { blank, expectClose, expectSameBits, native, random, underEverySetting } from './harness.js';
import { product } from './reference.js';

const sizes: [M: number, N: number, K: number][] = [
  [1, 1, 1],
  [3, 17, 1],
  [5, 33, 2],
  [3, 17, 5],
  [17, 3, 131],
  [7, 48, 16],
  [29, 65, 303],
  // More than one block of K, in pairs of which the last is short.
  [31, 70, 1537],
  // Row strides at which rows share the sets of a first-level cache.
  [19, 40, 1024],
  [15, 33, 2048],
];

/** Float32 sums of K terms below 1: each addition rounds by 2⁻²⁴ of a sum of about √K, at worst all the same way. */
const tolerance = (K: number) => 3e-6 + K * 2 ** -24;

underEverySetting('gemm in bfloat16', (use) => {
  for (const [M, N, K] of sizes)
    for (const transA of [false, true])
      for (const transB of [false, true])
        it(`[${M},${K}] x [${K},${N}]${transA ? ' transA' : ''}${transB ? ' transB' : ''}`, () => {
          use();
          const [a, b] = [random(M * K, 1), random(K * N, 2)];
          const expected = product(M, N, K, rounded(a), transA, rounded(b), transB);
          const c = blank(M * N);
          native.gemmBf16(M, N, K, a, transA, b, transB, c);
          expectClose(c, expected, tolerance(K));
        });

  it('is exact where the sums are', () => {
    use();
    // Small whole numbers and powers of two: every partial sum is a float.
    const [M, N, K] = [17, 35, 127];
    const a = random(M * K, 3, 8).map(Math.round);
    const b = random(K * N, 4, 4).map((x) => 2 ** Math.round(x));
    const c = blank(M * N);
    native.gemmBf16(M, N, K, a, false, b, false, c);
    expectSameBits(c, Float32Array.from(product(M, N, K, a, false, b, false)));
  });

  for (const K of [601, 1024])
    it(`gives a row the same bits whatever rows are beside it, K ${K}`, () => {
      use();
      const [M, N] = [131, 70];
      const [a, b] = [random(M * K, 5), random(K * N, 6)];
      const all = blank(M * N);
      native.gemmBf16(M, N, K, a, false, b, true, all);
      for (const [from, count] of [
        [0, 1],
        [5, 2],
        [64, 8],
        [130, 1],
      ] as const) {
        const some = blank(count * N);
        native.gemmBf16(count, N, K, a.subarray(from * K, (from + count) * K), false, b, true, some);
        expectSameBits(some, all.subarray(from * N, (from + count) * N));
      }
    });

  it('carries infinities and NaN to the results they reach, and no others', () => {
    use();
    const [M, N, K] = [4, 18, 6];
    const a = random(M * K, 7);
    a[K] = Number.POSITIVE_INFINITY;
    a[2 * K + 1] = Number.NaN;
    const c = blank(M * N);
    native.gemmBf16(M, N, K, a, false, new Float32Array(K * N).fill(1), false, c);
    for (let j = 0; j < N; j++) {
      expect(c[N + j]).toBe(Number.POSITIVE_INFINITY);
      expect(c[2 * N + j]).toBeNaN();
    }
    for (const row of [0, 3]) expect(c.subarray(row * N, (row + 1) * N).every(Number.isFinite)).toBe(true);
  });
});

it('gives the same bits for 1 and 2 threads', () => {
  for (const isa of native.availableIsas())
    for (const [M, N, K] of [
      [300, 200, 701],
      [40, 600, 1024],
    ] as const)
      for (const [transA, transB] of [
        [true, false],
        [false, true],
      ] as const) {
        native.setIsa(isa);
        const [a, b] = [random(M * K, 8), random(K * N, 9)];
        const [one, two] = [1, 2].map((threads) => {
          native.setThreads(threads);
          const c = blank(M * N);
          native.gemmBf16(M, N, K, a, transA, b, transB, c);
          return c;
        });
        expectSameBits(two!, one!);
      }
});

it('names the argument of a wrong length or type', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() => native.gemmBf16(2, 3, 4, f(7), false, f(12), false, f(6))).toThrow(
    new RangeError('gemmBf16: a must have 8 elements, has 7'),
  );
  // @ts-expect-error halves, which it rounds to itself
  expect(() => native.gemmBf16(2, 3, 4, f(8), false, new Uint16Array(12), false, f(6))).toThrow(
    new TypeError('gemmBf16: b must be a Float32Array'),
  );
});
