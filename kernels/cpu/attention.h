// One head of one sequence, for the training kernel and for the decoder.
#pragma once
#include <math.h>

#include "gemm.h"

namespace ilf {
namespace ILF_NS {

constexpr Index kQueries = VL == 16 ? 2 * MR : 24; // rows of a block of queries

ILF_INLINE float attentionScale(Index Dh) { return 1.f / sqrtf(static_cast<float>(Dh)); }

ILF_INLINE void scaleRow(const float* x, Index n, float by, float* y) {
  for (Index j = 0; j < n; j += VL) storeUpTo(y + j, loadUpTo(x + j, n - j) * by, n - j);
}

// Causal attention of queries q [T, Dh] (rows ldq apart) to keys and values packed by packPanels, keys transposed. lse [T]
// may be null; work holds attendScratch(T, Dh) floats.
Index attendScratch(Index T, Index Dh);
void attendHead(Index T, Index Dh, const float* q, Index ldq, const float* keys, const float* values, float* y, Index ldy,
                float* lse, float* work);

} // namespace ILF_NS
} // namespace ilf
