// Sums that stay in the GPU's memory.
#pragma once
#include "device.h"

namespace ilf::cuda {

// *total, in the GPU's memory: the sum of squares over all arrays.
void sumOfSquares(Index arrays, const Index* lengths, const float* const* x, double* total);

} // namespace ilf::cuda
