// One row of layer norm or RMS norm.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

// kind 0: layer norm, 1: RMS norm. mean may be null.
inline void normRow(int kind, Index D, float eps, const float* x, const float* gamma, const float* beta, float* y,
                    float* mean, float* rstd) {
  float mu = 0;
  if (kind == 0) {
    Vec s = {};
    for (Index j = 0; j < D; j += VL) s += loadUpTo(x + j, D - j);
    mu = sumLanes(s) / D;
  }
  Vec q = {}; // second pass over the row in cache: no cancellation
  for (Index j = 0; j < D; j += VL) {
    const Vec d = loadUpTo(x + j, D - j, mu) - mu;
    q += d * d;
  }
  const float r = 1.f / sqrtf(sumLanes(q) / D + eps);
  for (Index j = 0; j < D; j += VL) {
    const Index left = D - j;
    Vec v = (loadUpTo(x + j, left) - mu) * r * loadUpTo(gamma + j, left);
    if (beta) v += loadUpTo(beta + j, left);
    storeUpTo(y + j, v, left);
  }
  if (mean) *mean = mu;
  if (rstd) *rstd = r;
}

} // namespace ILF_NS
} // namespace ilf
