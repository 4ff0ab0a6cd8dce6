// Cross entropy of a linear layer's softmax. Per token: the forward pass holds the logits of a few rows at a time; the
// backward pass recomputes them for a slice of the vocabulary at a time. As a weighted sum, what training needs:
// the gradient is made together with the loss, for a chunk of rows at a time, and no product is computed twice. Rows with
// label −1 (and with no weight or gradient) are left out of the products.
#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "gemm.h"
#include "ops.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {
namespace {

constexpr Index kSlice = 512;      // tokens of the vocabulary at a time, backwards
constexpr Index kChunk = 4096;     // rows at a time, backwards: 8 MB of gradients of logits
constexpr Index kLogits = 1 << 16; // floats of logits that a forward task holds, more only for its least number of rows
// Of the weighted sum: logits held at a time are 16 MB, more only for a least number of rows, below which adding to the
// weights' gradient once a chunk would cost too much.
constexpr Index kChunkLogits = 1 << 22, kChunkRows = 512;

struct LogitGradient {
  const int32_t* labels; // of the rows left in
  const float *lse, *dloss;
  Index slice; // first token of this slice
};

// (softmax − onehot) · dloss
template <class T>
void applyGradient(const void* ctx, Index row, Index col, Index rows, Index cols, const float* tile, void* to, Index ldc) {
  const LogitGradient& g = *static_cast<const LogitGradient*>(ctx);
  T* c = static_cast<T*>(to);
  for (Index i = 0; i < rows; i++) {
    const float shift = g.lse[row + i], by = g.dloss[row + i];
    const Index hit = g.labels[row + i] - g.slice - col;
    for (Index j = 0; j < cols; j += VL) {
      Vec v = vexpBounded(load(tile + i * NR + j) - shift);
      if (hit >= j && hit < j + VL) v[hit - j] -= 1.f;
      storeUpTo(c + i * ldc + j, v * by, cols - j);
    }
  }
}

// The rows of h that count, one after another.
template <class T>
struct Kept {
  T* h;
  float *lse, *weight;
  int32_t *labels, *row;
  Index count;
};

template <class T, class Keep>
Kept<T> keepRows(Index M, Index D, const T* h, const int32_t* labels, const float* weight, Keep keep) {
  float* memory = scratch(kOp0, wordsOf<T>(M * D) + 4 * M + 64);
  Kept<T> k = {reinterpret_cast<T*>(memory), memory + wordsOf<T>(M * D), nullptr, nullptr, nullptr, 0};
  k.weight = k.lse + M;
  k.labels = reinterpret_cast<int32_t*>(k.weight + M);
  k.row = k.labels + M;
  for (Index i = 0; i < M; i++) {
    if (!keep(i)) continue;
    memcpy(k.h + k.count * D, h + i * D, D * sizeof(T));
    k.weight[k.count] = weight[i];
    k.labels[k.count] = labels[i];
    k.row[k.count++] = static_cast<int32_t>(i);
  }
  return k;
}

// dh = the kept rows' sums where they belong, 0 elsewhere.
template <class T>
void spread(const Kept<T>& k, Index M, Index D, const float* sums, T* dh) {
  memset(dh, 0, M * D * sizeof(T));
  for (Index i = 0; i < k.count; i++)
    for (Index j = 0; j < D; j += VL) storeUpTo(dh + k.row[i] * D + j, loadUpTo(sums + i * D + j, D - j), D - j);
}

template <class T>
void forward(Index M, Index V, Index D, const T* h, const float* w, const int32_t* labels, float* loss, float* lse) {
  float* packed = scratch(kPackB, packedSize<T>(V, D));
  packBShared<T>(V, D, w, D, true, packed);
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
    T* x = reinterpret_cast<T*>(scratch(kTask0, rows * D));
    float* logits = scratch(kTask1, rows * padded);
    for (Index i = 0; i < n; i++) memcpy(x + i * D, h + kept[from + i] * D, D * sizeof(T));
    gemmPacked<T>(n, V, D, x, D, false, packed, logits, padded, false);
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

template <class T>
void backward(Index M, Index V, Index D, const T* h, const float* w, const int32_t* labels, const float* lse,
              const float* dloss, T* dh, float* dw) {
  const Kept<T> k = keepRows(M, D, h, labels, dloss, [&](Index i) { return labels[i] >= 0 && dloss[i] != 0; });
  for (Index i = 0; i < k.count; i++) k.lse[i] = lse[k.row[i]];
  if (k.count == 0) {
    if (dh) memset(dh, 0, M * D * sizeof(T));
    if (dw) memset(dw, 0, V * D * sizeof(float));
    return;
  }
  T* g = reinterpret_cast<T*>(scratch(kOp1, wordsOf<T>(least(kChunk, k.count) * kSlice)));
  float* dx = dh ? scratch(kOp2, k.count * D) : nullptr;
  for (Index v = 0; v < V; v += kSlice) {
    const Index vn = least(kSlice, V - v);
    const float* wv = w + v * D;
    float* packed = scratch(kPackB2, 2 * packedSize<T>(kSlice, D) + packedSize<T>(D, kSlice));
    float* packedBack = packed + packedSize<T>(vn, D);
    packBShared<T>(vn, D, wv, D, true, packed);
    if (dh) packBShared<T>(D, vn, wv, D, false, packedBack);
    for (Index m = 0; m < k.count; m += kChunk) {
      const Index mn = least(kChunk, k.count - m);
      const LogitGradient gradient = {k.labels + m, k.lse + m, k.weight + m, v};
      const Epilogue e = {applyGradient<T>, &gradient};
      gemmPackedShared<T>(mn, vn, D, k.h + m * D, D, false, packed, g, vn, false, &e);
      if (dh) gemmPackedShared<T>(mn, D, vn, g, vn, false, packedBack, dx + m * D, D, v > 0);
      if (dw) multiply<T>(vn, D, mn, g, vn, true, k.h + m * D, false, dw + v * D, m > 0);
    }
  }
  if (dh) spread(k, M, D, dx, dh);
}

// loss[i] = weights[i] · ce_i, and the gradients of their sum.
template <class T>
void weighted(Index M, Index V, Index D, const T* h, const float* w, const int32_t* labels, const float* weights,
              float* loss, T* dh, float* dw) {
  if (M == 0) { // an array of nothing may have no address
    memset(dw, 0, V * D * sizeof(float));
    return;
  }
  const Kept<T> k = keepRows(M, D, h, labels, weights, [&](Index i) { return labels[i] >= 0 && weights[i] != 0; });
  memset(loss, 0, M * sizeof(float));
  if (k.count == 0) {
    memset(dh, 0, M * D * sizeof(T));
    memset(dw, 0, V * D * sizeof(float));
    return;
  }
  constexpr Index per = sizeof(float) / sizeof(T);
  const Index ld = roundUp(V, NR) + 16; // not a power of two: see rowsCollide
  const Index chunk = least(k.count, most(kChunkRows, kChunkLogits / ld));
  float* logits = scratch(kOp1, chunk * ld);
  T* g = reinterpret_cast<T*>(logits);
  float* dx = scratch(kOp2, k.count * D);
  const Index forth = packedSize<T>(V, D);
  float* packed = scratch(kPackB2, forth + packedSize<T>(D, V));
  packBShared<T>(V, D, w, D, true, packed);
  packBShared<T>(D, V, w, D, false, packed + forth);
  for (Index m = 0; m < k.count; m += chunk) {
    const Index mn = least(chunk, k.count - m);
    gemmPackedShared<T>(mn, V, D, k.h + m * D, D, false, packed, logits, ld, false);
    // In place: a row of gradients takes no more room than its logits.
    parallelFor(mn, [&](Index i) {
      const float* row = logits + i * ld;
      T* to = g + i * per * ld;
      const Index label = k.labels[m + i];
      const float lse = rowLogSumExp(row, V), by = k.weight[m + i], own = lse - row[label];
      loss[k.row[m + i]] = own * by;
      for (Index j = 0; j < V; j += VL) storeUpTo(to + j, vexpBounded(loadUpTo(row + j, V - j) - lse) * by, V - j);
      T at[VL];
      store(at, splat((expf(-own) - 1.f) * by));
      to[label] = at[0];
    });
    gemmPackedShared<T>(mn, D, V, g, per * ld, false, packed + forth, dx + m * D, D, false);
    multiply<T>(V, D, mn, g, per * ld, true, k.h + m * D, false, dw, m > 0);
  }
  spread(k, M, D, dx, dh);
}

} // namespace

void crossEntropyForward(Type type, Index M, Index V, Index D, const void* h, const float* w, const int32_t* labels,
                         float* loss, float* lse) {
  withType(type, [&](auto t) { forward(M, V, D, static_cast<const decltype(t)*>(h), w, labels, loss, lse); });
}

void crossEntropyBackward(Type type, Index M, Index V, Index D, const void* h, const float* w, const int32_t* labels,
                          const float* lse, const float* dloss, void* dh, float* dw) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    backward(M, V, D, static_cast<const T*>(h), w, labels, lse, dloss, static_cast<T*>(dh), dw);
  });
}

void crossEntropyLoss(Type type, Index M, Index V, Index D, const void* h, const float* w, const int32_t* labels,
                      const float* weights, float* loss, void* dh, float* dw) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    weighted(M, V, D, static_cast<const T*>(h), w, labels, weights, loss, static_cast<T*>(dh), dw);
  });
}

} // namespace ILF_NS
} // namespace ilf
