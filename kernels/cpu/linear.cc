// y = act(x w + bias) + residual and its gradients. Bias, activation and residual are applied to each register tile of
// the product while it is in the first-level cache.
#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "gelu.h"
#include "gemm.h"
#include "ops.h"
#include "linear.h"

namespace ilf {
namespace ILF_NS {
namespace {

// A whole panel's width: the bias stays in registers, and nothing is asked per vector.
template <bool Gelu, bool Residual, bool Pre, class T>
ILF_INLINE void applyWide(const LinearEpilogue<T>& l, Index row, Index col, Index rows, const float* tile, T* c, Index ldc) {
  Vec bias[NRV];
  for (int v = 0; v < NRV; v++) bias[v] = l.bias ? load(l.bias + col + v * VL) : Vec{};
  const Index at = row * l.N + col;
  for (Index i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < NRV; v++) {
      Vec x = load(tile + i * NR + v * VL) + bias[v];
      if (Pre) store(l.pre + at + i * l.N + v * VL, x);
      if (Gelu) x = gelu(x);
      if (Residual) x += load(l.residual + at + i * l.N + v * VL);
      store(c + i * ldc + v * VL, x);
    }
}

template <class T>
void applyLinear(const void* ctx, Index row, Index col, Index rows, Index cols, const float* tile, void* to, Index ldc) {
  const LinearEpilogue<T>& l = *static_cast<const LinearEpilogue<T>*>(ctx);
  T* c = static_cast<T*>(to);
  if (cols == NR && !(l.act == 1 && l.residual)) {
    if (l.act == 1 && l.pre) return applyWide<true, false, true>(l, row, col, rows, tile, c, ldc);
    if (l.act == 1) return applyWide<true, false, false>(l, row, col, rows, tile, c, ldc);
    if (l.residual) return applyWide<false, true, false>(l, row, col, rows, tile, c, ldc);
    return applyWide<false, false, false>(l, row, col, rows, tile, c, ldc);
  }
  for (Index i = 0; i < rows; i++) {
    const Index at = (row + i) * l.N + col;
    for (Index j = 0; j < cols; j += VL) {
      const Index left = cols - j;
      Vec v = load(tile + i * NR + j);
      if (l.bias) v += loadUpTo(l.bias + col + j, left);
      if (l.pre) storeUpTo(l.pre + at + j, v, left);
      if (l.act == 1) v = gelu(v);
      if (l.residual) v += loadUpTo(l.residual + at + j, left);
      storeUpTo(c + i * ldc + j, v, left);
    }
  }
}

constexpr Index kBiasRows = 64; // rows that one partial sum of the bias' gradient takes

template <class T>
void forward(Index M, Index N, Index K, const T* x, const float* w, bool transW, const float* bias, int act,
             const T* residual, T* y, T* pre) {
  float* packed = scratch(kPackB, packedSize<T>(N, K));
  packBShared<T>(N, K, w, transW ? K : N, transW, packed);
  const LinearEpilogue<T> fused = {N, act, bias, residual, act == 1 ? pre : nullptr};
  const Epilogue e = linearEpilogue(&fused);
  gemmPackedShared<T>(M, N, K, x, K, false, packed, y, N, false, e.apply ? &e : nullptr);
}

template <class T>
void backward(Index M, Index N, Index K, const T* x, const float* w, bool transW, int act, const T* pre, const T* dy,
              T* dx, float* dw, float* dbias) {
  // The gradient at x w + bias, and partial sums of it over fixed blocks of rows for the bias.
  const T* d = dy;
  const Index blocks = (M + kBiasRows - 1) / kBiasRows;
  if (act == 1 || dbias) {
    T* through = act == 1 ? reinterpret_cast<T*>(scratch(kOp0, wordsOf<T>(M * N))) : nullptr;
    float* sums = dbias ? scratch(kOp1, blocks * N) : nullptr;
    const auto block = [&](Index b) {
      float* sum = sums ? sums + b * N : nullptr;
      if (sum) memset(sum, 0, N * sizeof(float));
      for (Index i = b * kBiasRows; i < least(M, (b + 1) * kBiasRows); i++)
        for (Index j = 0; j < N; j += VL) {
          const Index at = i * N + j, left = N - j;
          Vec g = loadUpTo(dy + at, left);
          if (through) {
            g *= geluSlope(loadUpTo(pre + at, left));
            storeUpTo(through + at, g, left);
          }
          if (sum) storeUpTo(sum + j, loadUpTo(sum + j, left) + g, left);
        }
    };
    if (M * N < 32768)
      for (Index b = 0; b < blocks; b++) block(b);
    else parallelFor(blocks, block);
    if (dbias) {
      memset(dbias, 0, N * sizeof(float));
      for (Index b = 0; b < blocks; b++)
        for (Index j = 0; j < N; j++) dbias[j] += sums[b * N + j];
    }
    if (through) d = through;
  }
  if (dx) { // d wᵀ
    float* packed = scratch(kPackB, packedSize<T>(K, N));
    packBShared<T>(K, N, w, transW ? K : N, !transW, packed);
    gemmPackedShared<T>(M, K, N, d, N, false, packed, dx, K, false);
  }
  if (dw && transW) multiply<T>(N, K, M, d, N, true, x, false, dw, false);  // dᵀ x
  if (dw && !transW) multiply<T>(K, N, M, x, K, true, d, false, dw, false); // xᵀ d
}

} // namespace

template <class T>
Epilogue linearEpilogue(const LinearEpilogue<T>* l) {
  return {l->bias || l->act || l->residual || l->pre ? applyLinear<T> : nullptr, l};
}
template Epilogue linearEpilogue(const LinearEpilogue<float>* l);
template Epilogue linearEpilogue(const LinearEpilogue<bf16>* l);

void linearForward(Type type, Index M, Index N, Index K, const void* x, const float* w, bool transW, const float* bias,
                   int act, const void* residual, void* y, void* pre) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    forward(M, N, K, static_cast<const T*>(x), w, transW, bias, act, static_cast<const T*>(residual), static_cast<T*>(y),
            static_cast<T*>(pre));
  });
}

void linearBackward(Type type, Index M, Index N, Index K, const void* x, const float* w, bool transW, int act,
                    const void* pre, const void* dy, void* dx, float* dw, float* dbias) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    backward(M, N, K, static_cast<const T*>(x), w, transW, act, static_cast<const T*>(pre), static_cast<const T*>(dy),
             static_cast<T*>(dx), dw, dbias);
  });
}

} // namespace ILF_NS
} // namespace ilf
