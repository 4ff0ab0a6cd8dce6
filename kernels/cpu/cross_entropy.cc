// Cross entropy of a linear layer's softmax. The forward pass holds the logits of a few rows at a time; the backward pass
// recomputes them for a slice of the vocabulary at a time. Rows with label −1 (and, backwards, with no gradient) are left
// out of the products.
#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "gemm.h"
#include "ops.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {
namespace {

constexpr Index kSlice = 512;   // tokens of the vocabulary at a time, backwards
constexpr Index kChunk = 4096;  // rows at a time, backwards: 8 MB of gradients of logits
constexpr Index kLogits = 1 << 16; // floats of logits that a forward task holds, more only for its least number of rows

struct LogitGradient {
  const int32_t* labels; // of the rows left in
  const float *lse, *dloss;
  Index slice; // first token of this slice
};

// (softmax − onehot) · dloss
void applyGradient(const void* ctx, Index row, Index col, Index rows, Index cols, const float* tile, void* c_, Index ldc) {
  float* c = static_cast<float*>(c_);
  const LogitGradient& g = *static_cast<const LogitGradient*>(ctx);
  for (Index i = 0; i < rows; i++) {
    const float shift = g.lse[row + i], by = g.dloss[row + i];
    for (Index j = 0; j < cols; j += VL) storeUpTo(c + i * ldc + j, vexpBounded(load(tile + i * NR + j) - shift) * by, cols - j);
    const Index hit = g.labels[row + i] - g.slice - col;
    if (hit >= 0 && hit < cols) c[i * ldc + hit] -= by;
  }
}

} // namespace

void crossEntropyForward(Index M, Index V, Index D, const float* h, const float* w, const int32_t* labels, float* loss,
                         float* lse) {
  float* packed = scratch(kPackB, packedSize(V, D));
  packBShared(V, D, w, D, true, packed);
  const Index padded = roundUp(V, NR);
  const Index rows = most(MR, least(kRowBlock, kLogits / padded / MR * MR));
  int32_t* kept = reinterpret_cast<int32_t*>(scratch(kOp0, M + 1));
  Index count = 0;
  for (Index i = 0; i < M; i++) {
    if (labels[i] >= 0) kept[count++] = static_cast<int32_t>(i);
    else loss[i] = lse[i] = 0;
  }
  const auto block = [&](Index task) {
    const Index from = task * rows, n = least(rows, count - from);
    float* x = scratch(kTask0, rows * D);
    float* logits = scratch(kTask1, rows * padded);
    for (Index i = 0; i < n; i++) memcpy(x + i * D, h + kept[from + i] * D, D * sizeof(float));
    gemmPacked(n, V, D, x, D, false, packed, logits, padded, false);
    for (Index i = 0; i < n; i++) {
      const Index at = kept[from + i];
      lse[at] = rowLogSumExp(logits + i * padded, V);
      loss[at] = lse[at] - logits[i * padded + labels[at]];
    }
  };
  const Index tasks = (count + rows - 1) / rows;
  if (2. * count * V * D < 1e6)
    for (Index t = 0; t < tasks; t++) block(t);
  else parallelFor(tasks, block);
}

void crossEntropyBackward(Index M, Index V, Index D, const float* h, const float* w, const int32_t* labels,
                          const float* lse, const float* dloss, float* dh, float* dw) {
  // Gather the rows that count: hidden states, then lse, dloss and labels.
  float* x = scratch(kOp0, M * (D + 4) + 64);
  float *lseKept = x + M * D, *dlossKept = lseKept + M;
  int32_t* labelsKept = reinterpret_cast<int32_t*>(dlossKept + M);
  int32_t* kept = labelsKept + M;
  Index count = 0;
  for (Index i = 0; i < M; i++) {
    if (labels[i] < 0 || dloss[i] == 0) {
      if (dh) memset(dh + i * D, 0, D * sizeof(float));
      continue;
    }
    memcpy(x + count * D, h + i * D, D * sizeof(float));
    lseKept[count] = lse[i];
    dlossKept[count] = dloss[i];
    labelsKept[count] = labels[i];
    kept[count++] = static_cast<int32_t>(i);
  }
  if (count == 0) {
    if (dw) memset(dw, 0, V * D * sizeof(float));
    return;
  }
  float* g = scratch(kOp1, least(kChunk, count) * kSlice);
  float* dx = dh ? scratch(kOp2, count * D) : nullptr;
  for (Index v = 0; v < V; v += kSlice) {
    const Index vn = least(kSlice, V - v);
    const float* wv = w + v * D;
    float* packed = scratch(kPackB2, 2 * packedSize(kSlice, D) + packedSize(D, kSlice));
    float* packedBack = packed + packedSize(vn, D);
    packBShared(vn, D, wv, D, true, packed);
    if (dh) packBShared(D, vn, wv, D, false, packedBack);
    for (Index m = 0; m < count; m += kChunk) {
      const Index mn = least(kChunk, count - m);
      const LogitGradient gradient = {labelsKept + m, lseKept + m, dlossKept + m, v};
      const Epilogue e = {applyGradient, &gradient};
      gemmPackedShared(mn, vn, D, x + m * D, D, false, packed, g, vn, false, &e);
      if (dh) gemmPackedShared(mn, D, vn, g, vn, false, packedBack, dx + m * D, D, v > 0);
      if (dw) gemm(vn, D, mn, g, true, x + m * D, false, dw + v * D, m > 0);
    }
  }
  if (dh)
    for (Index i = 0; i < count; i++) memcpy(dh + kept[i] * D, dx + i * D, D * sizeof(float));
}

} // namespace ILF_NS
} // namespace ilf
