// A call's heads of bfloat16: where they lie in queries, keys, values and their gradients, and what is done with them, for
// attention.cu.
#pragma once
#include <type_traits>

#include "device.h"

namespace ilf::cuda {

constexpr float kLog2e = 1.4426950408889634f;

struct Heads {
  int B, T, H, KV, Dh;
  int ldq, ldk, ldv; // numbers between positions in q and dq, k and dk, v and dv
  float scale;       // 1/sqrt(Dh)

  // Numbers between positions in y and dy [B,T,H,Dh], and where head i of the B·H, or of the B·KV, begins.
  __device__ __forceinline__ int width() const { return H * Dh; }
  __device__ __forceinline__ Index ofQ(int i) const { return static_cast<Index>(i / H) * T * ldq + i % H * Dh; }
  __device__ __forceinline__ Index ofK(int i) const { return static_cast<Index>(i / KV) * T * ldk + i % KV * Dh; }
  __device__ __forceinline__ Index ofV(int i) const { return static_cast<Index>(i / KV) * T * ldv + i % KV * Dh; }
  __device__ __forceinline__ Index ofY(int i) const { return static_cast<Index>(i / H) * T * width() + i % H * Dh; }
  // Query heads that share keys and values; and whose those are of head i of the B·H.
  __device__ __forceinline__ int group() const { return H / KV; }
  __device__ __forceinline__ int shared(int i) const { return i / group(); }
};

// Queries, keys and values of a call, or their gradients: the first position's.
template <class E>
struct Projected {
  E *q, *k, *v;
};

// f(the number that heads of Dh numbers are computed as, zeros behind).
constexpr Index kLargestHead = 128;
template <class F>
void withHeadSize(Index Dh, F f) {
  if (Dh <= 32) f(std::integral_constant<int, 32>());
  else if (Dh <= 64) f(std::integral_constant<int, 64>());
  else f(std::integral_constant<int, 128>());
}

// By tensor cores' mma (attention_forward.cu, attention_backward.cu). Dh is a multiple of 8, at most kLargestHead.
void forwardByTiles(const Heads& heads, const Projected<const bf16>& of, bf16* y, float* lse);
void backwardByTiles(const Heads& heads, const Projected<const bf16>& of, const bf16* y, const float* lse, const bf16* dy,
                     const Projected<bf16>& to);

// The same by Hopper's wgmma (attention_wgmma_forward.cu, attention_wgmma_backward.cu), where hopper.h says so.
void forwardByWgmma(const Heads& heads, const Projected<const bf16>& of, bf16* y, float* lse);
void backwardByWgmma(const Heads& heads, const Projected<const bf16>& of, const bf16* y, const float* lse, const bf16* dy,
                     const Projected<bf16>& to);

// What a backward kernel needs of each query: {lse·log2(e), Σ dy·y}, stats [B·H,padded]; from T on {∞, 0}, which make a
// probability of 0 (attention_stats.cu).
void attentionStats(const Heads& heads, int padded, const bf16* y, const float* lse, const bf16* dy, float2* stats);

} // namespace ilf::cuda
