// GELU in its tanh form ("gelu_new", Hendrycks & Gimpel 2016), written with the logistic function:
// 0.5 x (1 + tanh u) = x σ(2u), u = √(2/π) (x + 0.044715 x³).
#pragma once
#include "device.h"

namespace ilf::cuda {

constexpr float kGelu1 = 1.5957691216057308f;             // 2 √(2/π)
constexpr float kGelu3 = 1.5957691216057308f * 0.044715f; // its cubic part

__device__ __forceinline__ float logistic(float x) { return 1.f / (1.f + __expf(-x)); }

__device__ __forceinline__ float gelu(float x) { return x * logistic(x * (kGelu1 + kGelu3 * x * x)); }

__device__ __forceinline__ float geluSlope(float x) {
  const float s = logistic(x * (kGelu1 + kGelu3 * x * x));
  return s + x * s * (1.f - s) * (kGelu1 + 3.f * kGelu3 * x * x);
}

} // namespace ilf::cuda
