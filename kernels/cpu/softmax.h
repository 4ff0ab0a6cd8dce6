// Rows of exponentials. Full vectors start at the row's first element, and absent lanes add nothing: a row's result
// depends on its own elements only. One compiled copy of each, so that whoever calls gets the same bits.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

// log Σ e^x
float rowLogSumExp(const float* x, Index n);

// In place, for a row whose memory reaches to the next whole vector: x = e^(scale·x − max), zeros in the lanes behind it.
// Returns the sum; *max is the largest scale·x. scale > 0.
float rowSoftmaxPadded(float* x, Index n, float scale, float* max);

} // namespace ILF_NS
} // namespace ilf
