// Matrix products over the thread pool.
#include "gemm.h"

#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {
namespace {

// Below these, handing work to another thread costs more than it saves (a hand-over costs about 1 µs, and the other
// core's cold caches as much again).
constexpr double kSharedFlops = 1e6;
constexpr Index kSharedPack = 32768; // floats

} // namespace

void packBShared(Index N, Index K, const float* b, Index ldb, bool trans, float* packed) {
  if (N * K < kSharedPack || poolThreads() == 1) return packB(N, K, b, ldb, trans, packed);
  const Index kc = kBlock(K), blocks = (K + kc - 1) / kc, panels = (N + NR - 1) / NR;
  // Tasks of several panels: one panel alone is a few hundred nanoseconds of work.
  const Index each = most(1, 16384 / (NR * kc)), groups = (panels + each - 1) / each;
  parallelFor(blocks * groups, [&](Index task) {
    const Index k = task / groups * kc, first = task % groups * each;
    for (Index p = first; p < least(panels, first + each); p++) packPanelOf(N, K, p * NR, k, b, ldb, trans, packed);
  });
}

void gemmPacked(Index M, Index N, Index K, const float* a, Index lda, bool transA, const float* packed, float* c, Index ldc,
                bool add, const Epilogue* epilogue) {
  multiplyColumns(M, N, 0, N, K, a, lda, transA, packed, c, ldc, add, epilogue, 0);
}

void gemmPackedShared(Index M, Index N, Index K, const float* a, Index lda, bool transA, const float* packed, float* c,
                      Index ldc, bool add, const Epilogue* epilogue) {
  const Index threads = poolThreads();
  if (threads == 1 || 2. * M * N * K < kSharedFlops) return gemmPacked(M, N, K, a, lda, transA, packed, c, ldc, add, epilogue);
  // Even row blocks; columns are cut too where rows alone give too few tasks for the threads to even out.
  const Index rowBlocks = (M + kRowBlock - 1) / kRowBlock;
  const Index rows = roundUp((M + rowBlocks - 1) / rowBlocks, MR), rowTasks = (M + rows - 1) / rows;
  const Index panels = (N + NR - 1) / NR;
  const Index wanted = (3 * threads + rowTasks - 1) / rowTasks;
  const Index cols = (panels + least(panels, wanted) - 1) / least(panels, wanted) * NR, colTasks = (N + cols - 1) / cols;
  parallelFor(rowTasks * colTasks, [&](Index task) {
    const Index i = task / colTasks * rows, j = task % colTasks * cols;
    multiplyColumns(least(rows, M - i), N, j, least(cols, N - j), K, transA ? a + i : a + i * lda, lda, transA, packed,
                    c + i * ldc, ldc, add, epilogue, i);
  });
}

void gemm(Index M, Index N, Index K, const float* a, bool transA, const float* b, bool transB, float* c, bool accumulate) {
  float* packed = scratch(kPackB, packedSize(N, K));
  packBShared(N, K, b, transB ? K : N, transB, packed);
  gemmPackedShared(M, N, K, a, transA ? M : K, transA, packed, c, N, accumulate);
}

void batchGemm(Index batch, Index M, Index N, Index K, const float* a, Index strideA, bool transA, const float* b,
               Index strideB, bool transB, float* c) {
  const bool shareWithin = batch < 2 * poolThreads() && 2. * M * N * K >= 4 * kSharedFlops;
  if (shareWithin) {
    for (Index i = 0; i < batch; i++)
      gemm(M, N, K, a + i * strideA, transA, b + i * strideB, transB, c + i * M * N, false);
    return;
  }
  const auto one = [&](Index i) {
    float* packed = scratch(kPackB, packedSize(N, K));
    packB(N, K, b + i * strideB, transB ? K : N, transB, packed);
    gemmPacked(M, N, K, a + i * strideA, transA ? M : K, transA, packed, c + i * M * N, N, false);
  };
  if (2. * batch * M * N * K < kSharedFlops)
    for (Index i = 0; i < batch; i++) one(i);
  else parallelFor(batch, one);
}

} // namespace ILF_NS
} // namespace ilf
