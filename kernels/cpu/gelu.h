// GELU in its tanh form ("gelu_new", Hendrycks & Gimpel 2016), written with the logistic function:
// 0.5 x (1 + tanh u) = x σ(2u), u = √(2/π) (x + 0.044715 x³).
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

constexpr float kGelu1 = 1.5957691216057308f;             // 2 √(2/π)
constexpr float kGelu3 = 1.5957691216057308f * 0.044715f; // its cubic part

ILF_INLINE Vec gelu(Vec x) { return x * vsigmoid(x * (kGelu1 + kGelu3 * (x * x))); }

ILF_INLINE Vec geluSlope(Vec x) {
  const Vec x2 = x * x, s = vsigmoid(x * (kGelu1 + kGelu3 * x2));
  return s + x * s * (1.f - s) * (kGelu1 + 3.f * kGelu3 * x2);
}

} // namespace ILF_NS
} // namespace ilf
