// Rows of exponentials. Full vectors start at the row's first element, and absent lanes add nothing: a row's result
// depends on its own elements only. One compiled copy of each, so that whoever calls gets the same bits.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

float rowMax(const float* x, Index n);
float rowExp(const float* x, Index n, float shift, float* y); // y = e^(x − shift); returns the sum
float rowLogSumExp(const float* x, Index n);                  // log Σ e^x

} // namespace ILF_NS
} // namespace ilf
