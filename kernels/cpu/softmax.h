// Rows of exponentials. Full vectors start at the row's first element, and absent lanes add nothing: a row's result
// depends on its own elements only.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

inline float rowMax(const float* x, Index n) {
  Vec m = splat(-3.0e38f);
  for (Index j = 0; j < n; j += VL) m = vmax(m, loadUpTo(x + j, n - j, -3.0e38f));
  return maxLanes(m);
}

// y = e^(x − shift); returns the sum.
inline float rowExp(const float* x, Index n, float shift, float* y) {
  Vec sum = {};
  for (Index j = 0; j < n; j += VL) {
    const Vec e = vexp(loadUpTo(x + j, n - j, -3.0e38f) - shift);
    storeUpTo(y + j, e, n - j);
    sum += e;
  }
  return sumLanes(sum);
}

// log Σ e^x
inline float rowLogSumExp(const float* x, Index n) {
  const float m = rowMax(x, n);
  Vec sum = {};
  for (Index j = 0; j < n; j += VL) sum += vexp(loadUpTo(x + j, n - j, -3.0e38f) - m);
  return m + logf(sumLanes(sum));
}

} // namespace ILF_NS
} // namespace ilf
