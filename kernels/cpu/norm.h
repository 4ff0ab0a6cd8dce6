// One row of layer norm or RMS norm.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

// kind 0: layer norm, 1: RMS norm. beta, mean and rstd may be null. One compiled copy, so that the decoder's rows have the
// same bits as the training pass's.
template <class T>
void normRow(int kind, Index D, float eps, const T* x, const float* gamma, const float* beta, T* y, float* mean,
             float* rstd);

} // namespace ILF_NS
} // namespace ilf
