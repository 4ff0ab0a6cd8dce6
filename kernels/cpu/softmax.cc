#include "softmax.h"

namespace ilf {
namespace ILF_NS {
namespace {

constexpr float kLowest = -3.0e38f;

// Full vectors, then the tail: f(vector, offset).
template <class Tail, class F>
ILF_INLINE void overRow(const float* x, Index n, Tail tail, F f) {
  Index j = 0;
  for (; j + VL <= n; j += VL) f(load(x + j), j);
  if (j < n) f(tail(x + j, n - j, kLowest), j);
}

ILF_INLINE Vec tailOf(const float* p, Index n, float fill) { return loadPart(p, n, fill); }
ILF_INLINE Vec paddedTailOf(const float* p, Index n, float fill) { return loadPadded(p, n, fill); }

} // namespace

float rowLogSumExp(const float* x, Index n) {
  Vec m = splat(kLowest), sum = {};
  overRow(x, n, tailOf, [&](Vec v, Index) { m = vmax(m, v); });
  const float top = maxLanes(m);
  overRow(x, n, tailOf, [&](Vec v, Index) { sum += vexpBounded(v - top); });
  return top + logf(sumLanes(sum));
}

float rowSoftmaxPadded(float* x, Index n, float scale, float* max) {
  Vec m = splat(kLowest), sum = {};
  overRow(x, n, paddedTailOf, [&](Vec v, Index) { m = vmax(m, v); });
  const float top = maxLanes(m) * scale;
  overRow(x, n, paddedTailOf, [&](Vec v, Index j) {
    const Vec e = vexpBounded(v * scale - top);
    store(x + j, e);
    sum += e;
  });
  *max = top;
  return sumLanes(sum);
}

} // namespace ILF_NS
} // namespace ilf
