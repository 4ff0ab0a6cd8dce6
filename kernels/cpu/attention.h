// One head of one sequence, for the training kernel and for the decoder.
#pragma once
#include <math.h>

#include "gemm.h"

namespace ilf {
namespace ILF_NS {

constexpr Index kQueries = VL == 16 ? 2 * MR : 24; // rows of a block of queries

ILF_INLINE float attentionScale(Index Dh) { return 1.f / sqrtf(static_cast<float>(Dh)); }

template <class T, class U>
ILF_INLINE void scaleRow(const T* x, Index n, float by, U* y) {
  for (Index j = 0; j < n; j += VL) storeUpTo(y + j, loadUpTo(x + j, n - j) * by, n - j);
}

// Causal attention of queries q [T, Dh] (rows ldq apart) to keys packed by packPanels<S>, transposed, and values packed
// by packPanels<float>. lse [T] may be null; work holds attendScratch(T, Dh) floats.
Index attendScratch(Index T, Index Dh);
template <class S>
void attendHead(Index T, Index Dh, const S* q, Index ldq, const float* keys, const float* values, S* y, Index ldy, float* lse,
                float* work);

} // namespace ILF_NS
} // namespace ilf
