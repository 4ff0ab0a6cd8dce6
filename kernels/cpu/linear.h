// The fused end of a linear layer, for other operations' products too.
#pragma once
#include "gemm.h"

namespace ilf {
namespace ILF_NS {

template <class T>
struct LinearEpilogue {
  Index N;            // width of residual's and pre's rows
  int act;            // 0 none, 1 GELU
  const float* bias;  // [N] or null
  const T* residual;  // [M,N] or null
  T* pre;             // [M,N] or null
};

// apply is null where there is nothing to do. `l` must outlive the product.
template <class T>
Epilogue linearEpilogue(const LinearEpilogue<T>* l);

} // namespace ILF_NS
} // namespace ilf
