// Cross entropy of a linear layer's softmax, never with more than a chunk's logits in memory (vocabulary.h). Rows with label
// −1 are left out of the products: what counts is gathered first, and its gradients are scattered back. As a weighted sum,
// what training needs: the gradient is made together with the loss, and no product is computed twice.
#include <vector>

#include "vocabulary.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 512;      // where a row is read once: rows of several blocks are under way in an SM
constexpr int kThreadsTwice = 1024; // where it is read again: an SM's caches hold one block's row

// Blocks take rows from the last on, which the product wrote last: some are still in L2.
__device__ __forceinline__ Index rowOfBlock() { return gridDim.x - 1 - static_cast<Index>(blockIdx.x); }

__global__ void __launch_bounds__(kThreads)
    losses(Index V, Index ld, const float* __restrict__ logits, const int32_t* __restrict__ labels,
           const int32_t* __restrict__ rows, float* loss, float* lse) {
  const Index at = rowOfBlock();
  const float* row = logits + at * ld;
  const float total = rowLogSumExp(row, V);
  if (threadIdx.x != 0) return;
  loss[rows[at]] = total - row[labels[at]];
  lse[rows[at]] = total;
}

// (softmax − onehot) · by, in the place of a row's logits.
template <class T>
__device__ __forceinline__ void replaceByGradient(float* row, Index V, Index ld, float lse, Index label, float by) {
  replaceRow<T>(row, V, ld, [=](float x, Index j) { return (expf(x - lse) - (j == label ? 1.f : 0.f)) * by; });
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    gradients(Index V, Index ld, float* logits, const int32_t* __restrict__ labels, const int32_t* __restrict__ rows,
              const float* __restrict__ lse, const float* __restrict__ dloss) {
  const Index at = rowOfBlock();
  replaceByGradient<T>(logits + at * ld, V, ld, lse[rows[at]], labels[at], dloss[rows[at]]);
}

template <class T>
__global__ void __launch_bounds__(kThreadsTwice)
    lossesAndGradients(Index V, Index ld, float* logits, const int32_t* __restrict__ labels,
                       const int32_t* __restrict__ rows, const float* __restrict__ weights, float* loss) {
  const Index at = rowOfBlock(), label = labels[at];
  float* row = logits + at * ld;
  const float by = weights[rows[at]];
  if (by == 0) { // the whole block: zeros, whatever the logits are
    replaceRow<T>(row, V, ld, [](float, Index) { return 0.f; });
    if (threadIdx.x == 0) loss[rows[at]] = 0;
    return;
  }
  const float own = row[label], total = rowLogSumExp(row, V);
  if (threadIdx.x == 0) loss[rows[at]] = (total - own) * by;
  __syncthreads(); // all have read the label's logit
  replaceByGradient<T>(row, V, ld, total, label, by);
}

// The rows that count.
template <class T>
struct Kept {
  std::vector<int32_t> host;      // where they are
  Temporary<int32_t> rows, labels; // the same, and their labels
  Temporary<T> copy;
  const T* h; // [count,D], one after another

  static Kept of(Index M, Index D, const T* h, const int32_t* labels) {
    std::vector<int32_t> rows, kept;
    for (Index m = 0; m < M; m++)
      if (labels[m] >= 0) {
        rows.push_back(static_cast<int32_t>(m));
        kept.push_back(labels[m]);
      }
    const Index count = static_cast<Index>(rows.size());
    Temporary<int32_t> place = uploaded(rows.data(), count), label = uploaded(kept.data(), count);
    Temporary<T> copy(count < M ? count * D : 0);
    if (count < M) gatherRows(Projection<T>::kType, count, D, rows.data(), h, copy);
    const T* from = count < M ? copy : h;
    return {std::move(rows), std::move(place), std::move(label), std::move(copy), from};
  }
  Index count() const { return static_cast<Index>(host.size()); }
};

// Chunk by chunk: makeGradients(from, n, logits) puts gradients in the place of logits; then dh and dw, unless null.
template <class T, class F>
void backward(Index M, Index V, Index D, const Kept<T>& kept, const float* w, T* dh, float* dw, F makeGradients) {
  const Index count = kept.count();
  if (dw && count == 0) fill(dw, 0, V * D * sizeof(float));
  if (dh && count == 0) fill(dh, 0, M * D * sizeof(T));
  if (count == 0) return;
  const Projection<T> projection(V, D, w);
  const Chunks chunks(count, projection.ld);
  const Temporary<float> logits(chunks.rows * projection.ld);
  const Temporary<T> dkept(dh && count < M ? count * D : 0);
  T* dx = count < M ? dkept : dh;
  chunks.each([&](Index from, Index n) {
    projection.logits(n, kept.h + from * D, logits);
    makeGradients(from, n, projection.ld, static_cast<float*>(logits));
    if (dh) projection.hiddenGradient(n, logits, dx + from * D);
    if (dw) projection.weightGradient(n, logits, kept.h + from * D, dw, from > 0);
  });
  if (dh && count < M) scatterRows(Projection<T>::kType, count, D, M, kept.host.data(), dx, dh);
}

} // namespace

void crossEntropyForward(Type type, Index M, Index V, Index D, const void* h, const float* w, const int32_t* labels,
                         float* loss, float* lse) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const Kept<T> kept = Kept<T>::of(M, D, static_cast<const T*>(h), labels);
    if (kept.count() < M) {
      fill(loss, 0, M * sizeof(float));
      fill(lse, 0, M * sizeof(float));
    }
    if (kept.count() == 0) return;
    const Projection<T> projection(V, D, w);
    const Chunks chunks(kept.count(), projection.ld);
    const Temporary<float> logits(chunks.rows * projection.ld);
    chunks.each([&](Index from, Index n) {
      projection.logits(n, kept.h + from * D, logits);
      launch(losses, static_cast<unsigned>(n), threadsForRow(V, kThreads), 0, V, projection.ld, logits, kept.labels + from,
             kept.rows + from, loss, lse);
    });
  });
}

void crossEntropyBackward(Type type, Index M, Index V, Index D, const void* h, const float* w, const int32_t* labels,
                          const float* lse, const float* dloss, void* dh, float* dw) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const Kept<T> kept = Kept<T>::of(M, D, static_cast<const T*>(h), labels);
    backward(M, V, D, kept, w, static_cast<T*>(dh), dw, [&](Index from, Index n, Index ld, float* logits) {
      launch(gradients<T>, static_cast<unsigned>(n), threadsForRow(V, kThreads), 0, V, ld, logits, kept.labels + from,
             kept.rows + from, lse, dloss);
    });
  });
}

void crossEntropyLoss(Type type, Index M, Index V, Index D, const void* h, const float* w, const int32_t* labels,
                      const float* weights, float* loss, void* dh, float* dw) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const Kept<T> kept = Kept<T>::of(M, D, static_cast<const T*>(h), labels);
    if (kept.count() < M) fill(loss, 0, M * sizeof(float));
    backward(M, V, D, kept, w, static_cast<T*>(dh), dw, [&](Index from, Index n, Index ld, float* logits) {
      launch(lossesAndGradients<T>, static_cast<unsigned>(n), threadsForRow(V, kThreadsTwice), 0, V, ld, logits,
             kept.labels + from, kept.rows + from, weights, loss);
    });
  });
}

} // namespace ilf::cuda
