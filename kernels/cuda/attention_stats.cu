// What attention's backward kernels need of each query: see attention_heads.h.
#include <math.h>

#include "attention_heads.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 128;

// D / 8 lanes read a row [b,t,h], the next the row after it.
template <int D>
__global__ void statsKernel(Heads heads, int padded, unsigned rows, const bf16* y, const float* lse, const bf16* dy,
                            float2* stats) {
  constexpr int kLanes = D / 8;
  const unsigned row = blockIdx.x * (kThreads / kLanes) + threadIdx.x / kLanes; // [B,padded,H]
  const int piece = threadIdx.x % kLanes, h = static_cast<int>(row % heads.H), t = static_cast<int>(row / heads.H % padded);
  const Index b = row / heads.H / padded;
  const bool valid = row < rows && t < heads.T;
  float dot = 0;
  if (valid && piece * 8 < heads.Dh) {
    const Index at = ((b * heads.T + t) * heads.H + h) * heads.Dh + piece * 8;
    const Pack<bf16> ys = *reinterpret_cast<const Pack<bf16>*>(y + at), dys = *reinterpret_cast<const Pack<bf16>*>(dy + at);
#pragma unroll
    for (int i = 0; i < 8; i++) dot += toFloat(ys.at[i]) * toFloat(dys.at[i]);
  }
#pragma unroll
  for (int lanes = kLanes / 2; lanes > 0; lanes /= 2) dot += __shfl_xor_sync(0xffffffffu, dot, lanes);
  if (piece != 0 || row >= rows) return;
  const Index head = b * heads.H + h;
  float2 result = {INFINITY, 0.f};
  if (valid) result = {lse[head * heads.T + t] * kLog2e, dot};
  stats[head * padded + t] = result;
}

} // namespace

void attentionStats(const Heads& heads, int padded, const bf16* y, const float* lse, const bf16* dy, float2* stats) {
  const Index rows = static_cast<Index>(heads.B) * padded * heads.H;
  withHeadSize(heads.Dh, [&](auto size) {
    constexpr int D = decltype(size)::value;
    launch(statsKernel<D>, blocksFor(rows, kThreads / (D / 8)), kThreads, 0, heads, padded, rows, y, lse, dy, stats);
  });
}

} // namespace ilf::cuda
