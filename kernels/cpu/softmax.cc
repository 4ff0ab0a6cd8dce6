#include "softmax.h"

namespace ilf {
namespace ILF_NS {

float rowMax(const float* x, Index n) {
  Vec m = splat(-3.0e38f);
  for (Index j = 0; j < n; j += VL) m = vmax(m, loadUpTo(x + j, n - j, -3.0e38f));
  return maxLanes(m);
}

float rowExp(const float* x, Index n, float shift, float* y) {
  Vec sum = {};
  for (Index j = 0; j < n; j += VL) {
    const Vec e = vexp(loadUpTo(x + j, n - j, -3.0e38f) - shift);
    storeUpTo(y + j, e, n - j);
    sum += e;
  }
  return sumLanes(sum);
}

float rowLogSumExp(const float* x, Index n) {
  const float m = rowMax(x, n);
  Vec sum = {};
  for (Index j = 0; j < n; j += VL) sum += vexp(loadUpTo(x + j, n - j, -3.0e38f) - m);
  return m + logf(sumLanes(sum));
}

} // namespace ILF_NS
} // namespace ilf
