// The norm of a row that lies in shared memory.
#pragma once
#include "device.h"

namespace ilf::cuda {

#if defined(__CUDACC__) || defined(ILF_EMULATED)

// A warp norms a row [D] in shared memory in place. gamma and beta, which may be null, can be read up to a multiple of 8.
// What is normed is rounded to T, as the norm of a forward pass is.
template <int kUnroll, class T>
__device__ __forceinline__ void normRow(int D, bool isRms, float eps, T* x, const float* gamma, const float* beta) {
  constexpr int L = Pack<T>::kLength;
  const int first = threadIdx.x % 32 * L;
  float sum = 0, squares = 0;
#pragma unroll kUnroll
  for (int k = first; !isRms && k < D; k += 32 * L) {
    const Pack<T> p = *reinterpret_cast<const Pack<T>*>(x + k);
#pragma unroll
    for (int j = 0; j < L; j++) sum += k + j < D ? toFloat(p.at[j]) : 0.f;
  }
  const float mean = isRms ? 0.f : warpSum(sum) / D;
#pragma unroll kUnroll
  for (int k = first; k < D; k += 32 * L) {
    const Pack<T> p = *reinterpret_cast<const Pack<T>*>(x + k);
#pragma unroll
    for (int j = 0; j < L; j++) {
      const float d = k + j < D ? toFloat(p.at[j]) - mean : 0.f;
      squares += d * d;
    }
  }
  const float rstd = 1.f / sqrtf(warpSum(squares) / D + eps);
#pragma unroll kUnroll
  for (int k = first; k < D; k += 32 * L) {
    Pack<T> p = *reinterpret_cast<const Pack<T>*>(x + k);
#pragma unroll
    for (int i = 0; i < L; i += 4) {
      const Pack<float> g = *reinterpret_cast<const Pack<float>*>(gamma + k + i);
      const Pack<float> b = beta ? *reinterpret_cast<const Pack<float>*>(beta + k + i) : Pack<float>{};
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const float y = (toFloat(p.at[i + j]) - mean) * rstd * g.at[j] + b.at[j];
        p.at[i + j] = fromFloat<T>(k + i + j < D ? y : 0.f);
      }
    }
    *reinterpret_cast<Pack<T>*>(x + k) = p;
  }
}

#endif

} // namespace ilf::cuda
