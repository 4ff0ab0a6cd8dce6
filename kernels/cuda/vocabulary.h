// What the losses over a vocabulary share: logits, for chunks of rows, and what reads them.
//
// Logits are float32 and lie in rows of `ld` numbers, V rounded up to kAlign, so that every row begins on a cache line and
// bfloat16 products have aligned operands whatever V is (GPT-2's 50,257 is odd). Where activations are bfloat16 the weights
// are rounded once a call into a copy with as many rows, the ones past V zero.
//
// Rows are chunked so that logits stay within mostLogits(): memory, against what each chunk costs again. With gradients that
// is reading the rounded weights twice, and reading and writing the weights' gradient (GPT-2: 154 + 309 MB, 0.14 ms of an
// H100's memory). And the hidden states' gradient [rows, D] should have tiles for every multiprocessor: of GPT-2's 2,560 rows
// that 512 MiB hold it has 60 of 128 x 256 for an H100's 132; 65,536 rows in chunks of 2.25 GiB are 6 of 11,008, of which it has
// 258, two for each. The size depends on the GPU alone, not on what happens to be free: sums over rows are rounded in another
// order where chunks are others.
//
// A row is a block's. GPT-2's, of 200 KB, would just fit in an SM's shared memory, but then one block would read, compute
// and write by turns with nothing beside it. Instead the losses read a row once (sums of exponentials whose shift follows
// the largest logit), and what has to look at it again, to make gradients, goes from its end back to its beginning: what was
// read last is still in the caches, in L1 (up to 256 KB) where a block has the SM to itself, otherwise in L2.
#pragma once
#include <algorithm>

#include "blas.h"
#include "ops.h"
#include "vectors.h"

namespace ilf::cuda {

constexpr Index kAlign = 64;
constexpr Index kLeastRows = 128;

// Floats of logits held at once: 1/32 of the GPU's memory, but 512 MiB at least and 2.25 GiB at most (from 72 GiB on).
inline Index mostLogits() {
#ifdef ILF_EMULATED
  return 1 << 18; // small tests have several chunks
#else
  const Index part = static_cast<Index>(totalMemory() / 32 / sizeof(float));
  return std::min<Index>(std::max<Index>(part, 1 << 27), 9 << 26);
#endif
}

inline Index roundUp(Index n, Index to) { return (n + to - 1) / to * to; }

// M rows, of which each needs `floats` floats, in chunks of about the same length.
struct Chunks {
  Index M, rows; // rows: of the longest
  Chunks(Index M, Index floats) : M(M) {
    const Index most = std::max(kLeastRows, mostLogits() / floats / kLeastRows * kLeastRows);
    const Index chunks = (M + most - 1) / most;
    rows = chunks <= 1 ? M : roundUp((M + chunks - 1) / chunks, kLeastRows);
  }
  // f(first row, rows)
  template <class F>
  void each(F f) const {
    for (Index from = 0; from < M; from += rows) f(from, std::min(rows, M - from));
  }
};

// The output projection: h [n,D] to logits [n,ld], and gradients back.
template <class T>
class Projection {
 public:
  static constexpr bool kRounded = sizeof(T) == 2;
  static constexpr Type kType = kRounded ? kBfloat16 : kFloat32;

  const Index V, D, ld;

  Projection(Index V, Index D, const float* w)
      : V(V), D(D), ld(roundUp(V, kAlign)), rounded_(kRounded ? ld * D : 0), w_(w), rows_(V) {
    if constexpr (kRounded) {
      convert(kFloat32, kBfloat16, V * D, w, rounded_);
      fill(rounded_ + V * D, 0, (ld - V) * D * sizeof(T));
      w_ = static_cast<T*>(rounded_);
      rows_ = ld;
    }
  }

  void logits(Index n, const T* h, float* to) const {
    Product p = {n, rows_, D, h, w_, to, false, true, kType};
    p.ldc = ld;
    multiply(p);
  }

  // Of gradients of logits as replaceRow leaves them: dh [n,D]; dw [V,D], added to if `accumulate`.
  void hiddenGradient(Index n, float* logits, T* dh) const {
    Product p = {n, D, rows_, gradients(logits), w_, dh, false, false, kType, kType};
    p.lda = kStride * ld;
    multiply(p);
  }
  void weightGradient(Index n, float* logits, const T* h, float* dw, bool accumulate) const {
    Product p = {V, D, n, gradients(logits), h, dw, true, false, kType};
    p.lda = kStride * ld;
    p.accumulate = accumulate;
    multiply(p);
  }

 private:
  static constexpr Index kStride = sizeof(float) / sizeof(T);
  const T* gradients(float* logits) const { return reinterpret_cast<T*>(logits + ld) - ld; }

  Temporary<T> rounded_;
  const void* w_;
  Index rows_; // of w_
};

constexpr int kGroups = 4; // groups of four numbers that a thread reads at a time

// Threads of a block that goes through rows of V numbers.
inline unsigned threadsForRow(Index V, Index most) {
  return static_cast<unsigned>(std::min(most, roundUp((V + 4 * kGroups - 1) / (4 * kGroups), 32)));
}

#if defined(__CUDACC__) || defined(ILF_EMULATED)

// Stands for numbers past a row's end: the exponential of anything's difference to it is 0.
constexpr float kLowest = -3.0e38f;
// How far a logit may be above the shift of a sum of exponentials before the shift follows: seldom, once the first of
// a row are seen, and far from overflow.
constexpr float kSlack = 16;

template <int Groups>
__device__ __forceinline__ Index tileLength() { return static_cast<Index>(blockDim.x) * 4 * Groups; }
__device__ __forceinline__ Index groupAt(Index tile, int group) {
  return tile + (static_cast<Index>(group) * blockDim.x + threadIdx.x) * 4;
}

// This thread's numbers of a tile of the row.
template <int Groups>
__device__ __forceinline__ void readTile(const float* row, Index tile, Index V, float (&x)[Groups][4]) {
#pragma unroll
  for (int g = 0; g < Groups; g++) {
    const Index j = groupAt(tile, g);
    if (j + 4 <= V) load<4>(row + j, x[g]);
    else
#pragma unroll
      for (int i = 0; i < 4; i++) x[g][i] = j + i < V ? row[j + i] : kLowest;
  }
}

template <int Groups>
__device__ __forceinline__ float largest(const float (&x)[Groups][4]) {
  float top = x[0][0];
#pragma unroll
  for (int g = 0; g < Groups; g++)
#pragma unroll
    for (int i = 0; i < 4; i++) top = fmaxf(top, x[g][i]);
  return top;
}

// log Σ exp of a row, in every thread of the block.
__device__ __forceinline__ float rowLogSumExp(const float* row, Index V) {
  float shift = row[0], sum = 0;
  for (Index tile = 0; tile < V; tile += tileLength<kGroups>()) {
    float x[kGroups][4];
    readTile(row, tile, V, x);
    const float top = largest(x);
    if (top > shift + kSlack) {
      sum *= expf(shift - top);
      shift = top;
    }
#pragma unroll
    for (int g = 0; g < kGroups; g++)
#pragma unroll
      for (int i = 0; i < 4; i++) sum += expf(x[g][i] - shift);
  }
  const float top = blockMax(shift);
  return top + logf(blockSum(sum * expf(shift - top)));
}

// Where the gradient of a row of logits is kept: in its place, of bfloat16 in its second half. So the row may be replaced
// from its end on: what is written lies among or behind what has been read.
template <class T>
__device__ __forceinline__ T* gradientRow(float* row, Index ld) { return reinterpret_cast<T*>(row + ld) - ld; }

// Numbers past V become zeros: the product with the weights runs over them.
template <class T, int Groups>
__device__ __forceinline__ void writeTile(T* row, Index tile, Index V, Index ld, float (&x)[Groups][4]) {
#pragma unroll
  for (int g = 0; g < Groups; g++) {
    const Index j = groupAt(tile, g);
    if (j >= ld) continue;
#pragma unroll
    for (int i = 0; i < 4; i++) x[g][i] = j + i < V ? x[g][i] : 0.f;
    store<4>(row + j, x[g]);
  }
}

template <class T>
__device__ __forceinline__ void beforeWritingInPlace() {
  if constexpr (sizeof(T) < sizeof(float)) __syncthreads(); // other threads' numbers are written over
}

// Puts gradient(logit, its column) in the place of a row's logits.
template <class T, class F>
__device__ __forceinline__ void replaceRow(float* row, Index V, Index ld, F gradient) {
  const Index length = tileLength<kGroups>();
  for (Index tile = (ld - 1) / length * length; tile >= 0; tile -= length) {
    float x[kGroups][4];
    readTile(row, tile, V, x);
#pragma unroll
    for (int g = 0; g < kGroups; g++)
#pragma unroll
      for (int i = 0; i < 4; i++) x[g][i] = gradient(x[g][i], groupAt(tile, g) + i);
    beforeWritingInPlace<T>();
    writeTile(gradientRow<T>(row, ld), tile, V, ld, x);
  }
}

#endif

} // namespace ilf::cuda
