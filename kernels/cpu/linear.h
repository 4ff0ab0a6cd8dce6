// The fused end of a linear layer, for other operations' products too.
#pragma once
#include "gemm.h"

namespace ilf {
namespace ILF_NS {

struct LinearEpilogue {
  Index N;               // width of residual's and pre's rows
  int act;               // 0 none, 1 GELU
  const float* bias;     // [N] or null
  const float* residual; // [M,N] or null
  float* pre;            // [M,N] or null
};

// apply is null where there is nothing to do. `l` must outlive the product.
Epilogue linearEpilogue(const LinearEpilogue* l);

} // namespace ILF_NS
} // namespace ilf
