import { expect, it } from 'vitest';
import { blank, expectClose, expectSameBits, native, random, underEverySetting } from './harness.js';
import { product } from './reference.js';

const sizes: [M: number, N: number, K: number][] = [
  [1, 1, 1],
  [3, 17, 5],
  [17, 3, 130],
  [130, 33, 7],
  [7, 48, 16],
  [29, 64, 300],
  [97, 130, 513],
  [300, 70, 128],
  // Row strides at which rows share the sets of a first-level cache.
  [19, 40, 512],
  [15, 33, 2048],
];

underEverySetting('gemm', (use) => {
  for (const [M, N, K] of sizes)
    for (const transA of [false, true])
      for (const transB of [false, true])
        it(`[${M},${K}] x [${K},${N}]${transA ? ' transA' : ''}${transB ? ' transB' : ''}`, () => {
          use();
          const a = random(M * K, 1);
          const b = random(K * N, 2);
          const expected = product(M, N, K, a, transA, b, transB);
          const c = blank(M * N);
          native.gemm(M, N, K, a, transA, b, transB, c, false);
          expectClose(c, expected, 3e-5);
          native.gemm(M, N, K, a, transA, b, transB, c, true);
          expectClose(
            c,
            expected.map((x) => 2 * x),
            3e-5,
          );
        });

  it('gives a row the same bits whatever rows are beside it', () => {
    use();
    const [M, N, K] = [131, 70, 600];
    const a = random(M * K, 3);
    const b = random(K * N, 4);
    const all = blank(M * N);
    native.gemm(M, N, K, a, false, b, true, all, false);
    for (const [from, count] of [
      [0, 1],
      [5, 2],
      [64, 8],
      [130, 1],
    ] as const) {
      const some = blank(count * N);
      native.gemm(count, N, K, a.subarray(from * K, (from + count) * K), false, b, true, some, false);
      expectSameBits(some, all.subarray(from * N, (from + count) * N));
    }
  });

  it('multiplies batches, with strides and a broadcast operand', () => {
    use();
    const [batch, M, N, K] = [5, 17, 19, 33];
    const a = random(batch * (M * K + 3), 5);
    const b = random(K * N, 6);
    const c = blank(batch * M * N);
    native.batchGemm(batch, M, N, K, a, M * K + 3, true, b, 0, true, c);
    for (let i = 0; i < batch; i++)
      expectClose(
        c.subarray(i * M * N, (i + 1) * M * N),
        product(M, N, K, a.subarray(i * (M * K + 3)), true, b, true),
      );
  });
});

it('gives the same bits for 1 and 2 threads', () => {
  const [M, N, K] = [300, 200, 700];
  const a = random(M * K, 7);
  const b = random(K * N, 8);
  const results = [1, 2].map((threads) => {
    native.setThreads(threads);
    const c = blank(M * N);
    native.gemm(M, N, K, a, true, b, false, c, false);
    return c;
  });
  expectSameBits(results[1]!, results[0]!);
});

it('names the argument of a wrong length', () => {
  const f = (n: number) => new Float32Array(n);
  expect(() => native.gemm(2, 3, 4, f(7), false, f(12), false, f(6), false)).toThrow(
    new RangeError('gemm: a must have 8 elements, has 7'),
  );
  expect(() => native.gemm(2, 3, 4, f(8), false, f(13), false, f(6), false)).toThrow(/gemm: b must have 12/);
  expect(() => native.gemm(2, 3, 4, f(8), false, f(12), false, f(5), false)).toThrow(/gemm: c must have 6/);
  expect(() => native.gemm(-1, 3, 4, f(8), false, f(12), false, f(6), false)).toThrow(RangeError);
  expect(() => native.gemm(1.5, 3, 4, f(8), false, f(12), false, f(6), false)).toThrow(RangeError);
  expect(() => native.batchGemm(3, 1, 1, 2, f(5), 2, false, f(2), 0, false, f(3))).toThrow(
    /batchGemm: a must have at least 6/,
  );
  // @ts-expect-error a plain array
  expect(() => native.gemm(1, 1, 1, [1], false, f(1), false, f(1), false)).toThrow(TypeError);
});
