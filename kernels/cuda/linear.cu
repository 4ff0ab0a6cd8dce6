// Matrix products and linear layers. Weights are float32: where activations are bfloat16 they are rounded into a copy first
// (6 bytes a weight, read and written once a call: some 2% of a training step at 8,192 rows).
#include "blas.h"
#include "gelu.h"
#include "ops.h"
#include "partials.h"

namespace ilf::cuda {
namespace {

// Weights as products of T want them: themselves, or a rounded copy.
template <class T>
class Weights {
 public:
  Weights(const float* w, Index n) : copy_(sizeof(T) == sizeof(float) ? 0 : n), data_(w) {
    if constexpr (sizeof(T) != sizeof(float)) {
      convert(kFloat32, kBfloat16, n, w, copy_);
      data_ = static_cast<T*>(copy_);
    }
  }
  operator const void*() const { return data_; }

 private:
  Temporary<T> copy_;
  const void* data_;
};

// A block's columns and rows in columnSums.
constexpr int kLanes = 32, kRowsAtOnce = 8;
constexpr Index kRowsOfBlock = 256;

// W neighbouring columns of each thread, in 16 bytes or one by one.
template <class T, int W>
struct alignas(W * sizeof(T)) Columns {
  T at[W];
};

// Where pre is given, dpre = dy · gelu'(pre). Sums of what comes out over a block's rows: partial [row blocks, N].
// grid: blocks of kLanes·W columns, blocks of kRowsOfBlock rows; block: kLanes x kRowsAtOnce.
template <class T, int W>
__global__ void slopesAndSums(Index M, Index N, const T* __restrict__ dy, const T* __restrict__ pre, T* __restrict__ dpre,
                              float* __restrict__ partial) {
  __shared__ float sums[kRowsAtOnce][kLanes * W + 1];
  const Index n = (static_cast<Index>(blockIdx.x) * kLanes + threadIdx.x) * W;
  const Index first = blockIdx.y * kRowsOfBlock, last = min(M, first + kRowsOfBlock);
  float sum[W] = {};
  if (n < N)
    for (Index m = first + threadIdx.y; m < last; m += kRowsAtOnce) {
      typedef Columns<T, W> Few;
      Few d = *reinterpret_cast<const Few*>(dy + m * N + n);
      float value[W];
      for (int i = 0; i < W; i++) value[i] = toFloat(d.at[i]);
      if (pre) {
        const Few x = *reinterpret_cast<const Few*>(pre + m * N + n);
        for (int i = 0; i < W; i++) d.at[i] = fromFloat<T>(value[i] *= geluSlope(toFloat(x.at[i])));
        *reinterpret_cast<Few*>(dpre + m * N + n) = d;
      }
      for (int i = 0; i < W; i++) sum[i] += value[i];
    }
  for (int i = 0; i < W; i++) sums[threadIdx.y][threadIdx.x * W + i] = sum[i];
  __syncthreads();
  if (!partial) return;
  for (int c = threadIdx.y * kLanes + threadIdx.x; c < kLanes * W; c += kLanes * kRowsAtOnce) {
    const Index column = static_cast<Index>(blockIdx.x) * kLanes * W + c;
    if (column >= N) continue;
    float total = 0;
    for (int r = 0; r < kRowsAtOnce; r++) total += sums[r][c];
    partial[blockIdx.y * N + column] = total;
  }
}

// The gradient before the activation (dpre, where pre is given), and its sum over the rows (dbias, unless null).
template <class T>
void backThroughBias(Index M, Index N, const T* dy, const T* pre, T* dpre, float* dbias) {
  const Index blocks = blocksFor(M, kRowsOfBlock);
  const Temporary<float> partial(dbias ? blocks * N : 0);
  const dim3 block(kLanes, kRowsAtOnce);
  const auto run = [&](auto kernel, int W) {
    launch(kernel, dim3(blocksFor(N, kLanes * W), static_cast<unsigned>(blocks)), block, 0, M, N, dy, pre, dpre,
           static_cast<float*>(partial));
  };
  constexpr int kWide = Pack<T>::kLength;
  if (N % kWide == 0) run(slopesAndSums<T, kWide>, kWide);
  else run(slopesAndSums<T, 1>, 1);
  if (dbias) sumPartials(blocks, N, partial, N, dbias, nullptr);
}

} // namespace

void gemm(Index M, Index N, Index K, const float* a, bool transA, const float* b, bool transB, float* c, bool accumulate) {
  Product p = {M, N, K, a, b, c, transA, transB};
  p.accumulate = accumulate;
  multiply(p);
}

void gemmBf16(Index M, Index N, Index K, const float* a, bool transA, const float* b, bool transB, float* c) {
  const Weights<bf16> a16(a, M * K), b16(b, K * N);
  multiply({M, N, K, a16, b16, c, transA, transB, kBfloat16, kFloat32});
}

void batchGemm(Index batch, Index M, Index N, Index K, const float* a, Index strideA, bool transA, const float* b,
               Index strideB, bool transB, float* c) {
  Product p = {M, N, K, a, b, c, transA, transB};
  p.batch = batch;
  p.strideA = strideA;
  p.strideB = strideB;
  p.strideC = M * N;
  multiply(p);
}

void linearForward(Type type, Index M, Index N, Index K, const void* x, const float* w, bool transW, const float* bias,
                   int act, const void* residual, void* y, void* pre) {
  withType(type, [&](auto t) {
    const Weights<decltype(t)> weights(w, K * N);
    Product p = {M, N, K, x, weights, y, false, transW, type, type};
    p.bias = bias;
    p.act = act;
    p.residual = residual;
    p.pre = act ? pre : nullptr;
    multiply(p);
  });
}

void linearBackward(Type type, Index M, Index N, Index K, const void* x, const float* w, bool transW, int act,
                    const void* pre, const void* dy, void* dx, float* dw, float* dbias) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const Temporary<T> slopes(act ? M * N : 0);
    if (act || dbias)
      backThroughBias<T>(M, N, static_cast<const T*>(dy), act ? static_cast<const T*>(pre) : nullptr, slopes, dbias);
    const void* d = act ? static_cast<const void*>(slopes) : dy;
    if (dx) {
      const Weights<T> weights(w, K * N);
      multiply({M, K, N, d, weights, dx, false, !transW, type, type});
    }
    if (dw && transW) multiply({N, K, M, d, x, dw, true, false, type, kFloat32});
    if (dw && !transW) multiply({K, N, M, x, d, dw, true, false, type, kFloat32});
  });
}

} // namespace ilf::cuda
