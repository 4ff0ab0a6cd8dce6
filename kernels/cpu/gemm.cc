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
} // namespace

template <class E, class S, class TC>
void gemmPacked(Index M, Index N, Index K, const S* a, Index lda, bool transA, const float* packed, TC* c, Index ldc,
                bool add, const Epilogue* epilogue) {
  multiplyColumns<E>(M, N, 0, N, K, a, lda, transA, packed, c, ldc, add, epilogue, 0);
}

template <class E, class S, class TC>
void gemmPackedShared(Index M, Index N, Index K, const S* a, Index lda, bool transA, const float* packed, TC* c, Index ldc,
                      bool add, const Epilogue* epilogue) {
  const Index threads = poolThreads();
  if (threads == 1 || 2. * M * N * K < kSharedFlops) return gemmPacked<E>(M, N, K, a, lda, transA, packed, c, ldc, add, epilogue);
  // Even row blocks; columns are cut too where rows alone give too few tasks for the threads to even out.
  const Index rowBlocks = (M + kRowBlock - 1) / kRowBlock;
  const Index rows = roundUp((M + rowBlocks - 1) / rowBlocks, MR), rowTasks = (M + rows - 1) / rows;
  const Index panels = (N + NR - 1) / NR;
  const Index wanted = (3 * threads + rowTasks - 1) / rowTasks;
  const Index cols = (panels + least(panels, wanted) - 1) / least(panels, wanted) * NR, colTasks = (N + cols - 1) / cols;
  parallelFor(rowTasks * colTasks, [&](Index task) {
    const Index i = task / colTasks * rows, j = task % colTasks * cols;
    multiplyColumns<E>(least(rows, M - i), N, j, least(cols, N - j), K, transA ? a + i : a + i * lda, lda, transA, packed,
                    c + i * ldc, ldc, add, epilogue, i);
  });
}

template <class E, class SA, class SB>
void multiply(Index M, Index N, Index K, const SA* a, Index lda, bool transA, const SB* b, bool transB, float* c,
              bool accumulate) {
  float* packed = scratch(kPackB, packedSize<E>(N, K));
  packBShared<E>(N, K, b, transB ? K : N, transB, packed);
  gemmPackedShared<E>(M, N, K, a, lda, transA, packed, c, N, accumulate);
}

void gemm(Index M, Index N, Index K, const float* a, bool transA, const float* b, bool transB, float* c, bool accumulate) {
  multiply<float>(M, N, K, a, transA ? M : K, transA, b, transB, c, accumulate);
}

void gemmBf16(Index M, Index N, Index K, const float* a, bool transA, const float* b, bool transB, float* c) {
  multiply<bf16>(M, N, K, a, transA ? M : K, transA, b, transB, c, false);
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

#define ILF_GEMM(E, S, TC)                                                                                                \
  template void gemmPacked<E, S, TC>(Index, Index, Index, const S*, Index, bool, const float*, TC*, Index, bool,          \
                                     const Epilogue*);                                                                    \
  template void gemmPackedShared<E, S, TC>(Index, Index, Index, const S*, Index, bool, const float*, TC*, Index, bool,    \
                                           const Epilogue*);
ILF_GEMM(float, float, float)
ILF_GEMM(bf16, bf16, float)
ILF_GEMM(bf16, bf16, bf16)
template void multiply<float, float, float>(Index, Index, Index, const float*, Index, bool, const float*, bool, float*,
                                            bool);
template void multiply<bf16, bf16, bf16>(Index, Index, Index, const bf16*, Index, bool, const bf16*, bool, float*, bool);

} // namespace ILF_NS
} // namespace ilf
