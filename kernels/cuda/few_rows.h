// Layers of few rows, as a decoder has them: their cost is reading the weights. Up to 8 rows are here, up to 64 in skinny.h.
#pragma once
#include "device.h"

namespace ilf::cuda {

// A linear layer's weights as the decoder keeps them: an output's weights are one row, which both dot products and tensor
// cores like to read. Rows are padded with zeros to whole 16 bytes.
struct Weights {
  Index N, K;
  Index ld;            // elements between rows: K rounded up to a multiple of 8
  const void* w;       // [N,ld]
  const float* bias;   // [N], or null
  const bf16* bias16;  // the same rounded, where the type is bfloat16
};

__host__ __device__ constexpr Index paddedWidth(Index K) { return (K + 7) / 8 * 8; }

// Layer norm (Ba et al. 2016) or, where isRms, RMS norm (Zhang & Sennrich 2019).
struct NormOf {
  const float *gamma = nullptr, *beta = nullptr; // [K], can be read up to a multiple of 8, at addresses of one of 16 bytes
  bool isRms = false;
  float eps = 0;
};

// y = act(norm(x) wᵀ + bias) + residual, the norm only where gamma is not null; beta may be null alone.
struct FewRows {
  Index rows;
  const void* x; // [rows,K]
  Weights weights;
  NormOf norm;
  int act = 0;                    // 1: GELU
  const void* residual = nullptr; // like y
  void* y = nullptr;              // [rows,N], of the type of x or, if floats, float
  bool floats = false;
};

// `wanted` bytes of shared memory for a block's rows, or as many as a block of this GPU may have.
size_t sharedUpTo(size_t wanted);

// Up to this many rows, where they fit into shared memory, this is taken instead of multiply().
constexpr Index kFewRows = 8;
bool isFewRows(Type type, Index rows, Index K);
void fewRows(Type type, const FewRows& f);

// y [M,D] = norm(x [M,D]).
void normRows(Type type, Index M, Index D, const NormOf& norm, const void* x, void* y);

} // namespace ilf::cuda
