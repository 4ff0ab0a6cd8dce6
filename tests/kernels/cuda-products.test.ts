// Every way in which the CUDA kernels come to a product, whatever the library refuses (kernels/cuda/multiply.cu), against the reference.
import { describe, expect, it } from 'vitest';
import type { CudaNative } from '../../src/engine/engines/cuda/memory.js';
import { blankHalves, expectRounded, fromHalves, rounded, toHalves } from './bfloat16.js';
import { freshAddon, missing } from './fresh-addon.js';
import { blank, expectClose, random } from './harness.js';
import { linear, product } from './reference.js';

if (missing !== null) console.warn(`the ways to a product are not tested: ${missing}`);

type Way = 'library' | 'finished' | 'plain';

/** How a call's products were computed. */
function ways(native: CudaNative, call: () => void): Way[] {
  const before = native.products();
  call();
  const after = native.products();
  return (['library', 'finished', 'plain'] as const).flatMap((way) =>
    new Array<Way>(after[way] - before[way]).fill(way),
  );
}

/** What the library is made to refuse, and the way that is left: of sums alone, of what it fuses, and of its GELU. */
const REFUSALS: [variables: Record<string, string>, sum: Way, fused: Way][] = [
  [{}, 'library', 'library'],
  [{ ILF_EMULATED_BLAS: 'picky' }, 'library', 'library'],
  [{ ILF_EMULATED_BLAS: 'unfused' }, 'library', 'finished'],
  [{ ILF_EMULATED_BLAS: 'refusing' }, 'plain', 'plain'],
  [{ ILF_EMULATED_BLAS: 'nothing' }, 'plain', 'plain'],
  [{ ILF_EMULATED_BLAS: 'absent' }, 'plain', 'plain'],
  [{ ILF_CUDA_BLAS: 'plain' }, 'plain', 'plain'],
];
const BOOLS = [false, true];
/** Rows of whole 16 bytes; and of none, smaller than a tile and larger. */
const ALIGNED = [
  [8, 16, 24],
  [70, 136, 64],
] as const;
const UNALIGNED = [
  [1, 7, 6],
  [5, 17, 3],
  [131, 67, 129],
] as const;
const SIZES = [...ALIGNED, ...UNALIGNED] as const;
const isAligned = (...widths: number[]) => widths.every((width) => width % 8 === 0);

describe.skipIf(missing !== null).each(REFUSALS)(
  'products (cuda emulated) with %o',
  (variables, sum, fused) => {
    const native = missing === null ? freshAddon(variables) : (null as never);

    it.each(SIZES)('sums: M %i, N %i, K %i', (M, N, K) => {
      for (const transA of BOOLS)
        for (const transB of BOOLS) {
          const [a, b, before] = [random(M * K, 1), random(K * N, 2), random(M * N, 3)];
          const expected = product(M, N, K, a, transA, b, transB);
          const [c, added] = [blank(M * N), before.slice()];
          expect(ways(native, () => native.gemm(M, N, K, a, transA, b, transB, c, false))).toEqual([sum]);
          expectClose(c, expected, 2e-5);
          // Twice: what was found out the first time is used the second.
          expect(ways(native, () => native.gemm(M, N, K, a, transA, b, transB, added, true))).toEqual([sum]);
          native.gemm(M, N, K, a, transA, b, transB, added, true);
          expectClose(
            added,
            expected.map((x, i) => 2 * x + before[i]!),
            4e-5,
          );
          const halves = blank(M * N);
          const rows = isAligned(transA ? M : K, transB ? K : N);
          const way = ways(native, () => native.gemmBf16(M, N, K, a, transA, b, transB, halves));
          expect(way).toEqual([rows ? sum : 'plain']);
          expectClose(halves, product(M, N, K, rounded(a), transA, rounded(b), transB), 2e-5);
        }
    });

    it.each(SIZES)('batches: M %i, N %i, K %i', (M, N, K) => {
      const batch = 3;
      for (const transA of BOOLS)
        for (const transB of BOOLS)
          for (const shared of BOOLS) {
            const strideB = shared ? 0 : K * N;
            const [a, b] = [random(batch * M * K, 4), random(shared ? K * N : batch * K * N, 5)];
            const c = blank(batch * M * N);
            const call = () => native.batchGemm(batch, M, N, K, a, M * K, transA, b, strideB, transB, c);
            expect(ways(native, call)).toEqual([sum]);
            for (let i = 0; i < batch; i++)
              expectClose(
                c.subarray(i * M * N, (i + 1) * M * N),
                product(M, N, K, a.subarray(i * M * K), transA, b.subarray(i * strideB), transB),
                2e-5,
              );
          }
    });

    it.each(SIZES)('bias, GELU and residual: M %i, N %i, K %i', (M, N, K) => {
      for (const transW of BOOLS)
        for (const act of [0, 1] as const)
          for (const biased of BOOLS)
            for (const added of BOOLS) {
              const [x, w] = [random(M * K, 6), random(K * N, 7)];
              const [bias, residual] = [biased ? random(N, 8) : null, added ? random(M * N, 9) : null];
              const y = blank(M * N);
              const pre = act ? blank(M * N) : null;
              const way = ways(native, () =>
                native.linearForward(M, N, K, x, w, transW, bias, act, residual, y, pre),
              );
              const expected = linear(M, N, K, x, w, transW, bias, act, residual);
              expectClose(y, expected.y, 3e-5);
              if (pre) expectClose(pre, expected.pre, 3e-5);
              // A residual alone is what the sum is added to. The library's GELU is not exact enough for float32.
              const isSum = !bias && !act;
              const unfused = sum === 'plain' ? 'plain' : 'finished';
              expect(way).toEqual([isSum ? sum : act ? unfused : isAligned(N) ? fused : unfused]);

              const [xHalf, residualHalf] = [toHalves(x), residual && toHalves(residual)];
              const yHalf = blankHalves(M * N);
              const preHalf = act ? blankHalves(M * N) : null;
              const wayHalf = ways(native, () =>
                native.linearForward(M, N, K, xHalf, w, transW, bias, act, residualHalf, yHalf, preHalf),
              );
              const given = [fromHalves(xHalf), rounded(w)] as const;
              const of = linear(
                M,
                N,
                K,
                ...given,
                transW,
                bias,
                act,
                residualHalf && fromHalves(residualHalf),
              );
              expectRounded(yHalf, of.y, { inner: 1 });
              if (preHalf) expectRounded(preHalf, of.pre, { inner: 1 });
              // The library adds the residual before the activation.
              const fuses = isSum ? sum : act && residual ? unfused : fused;
              expect(wayHalf).toEqual([isAligned(N, K) ? fuses : 'plain']);
            }
    });
  },
);
