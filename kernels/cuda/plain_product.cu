// Products without a library: every Product there is. A block computes 64 x 64 of the result from tiles in shared memory,
// each of its 16 x 16 threads 4 x 4 of them in registers; sums are float32, in the order of k. Right before fast: no tensor
// cores, and 8 numbers read from shared memory for 16 multiply-adds.
#include "blas.h"
#include "gelu.h"

namespace ilf::cuda {
namespace {

constexpr int kTile = 64, kDepth = 16, kEach = 4, kAcross = kTile / kEach, kThreads = kAcross * kAcross;
constexpr int kRow = kTile + 4; // of a tile: 16 bytes more, which spreads its columns over the banks

// tile[k][i] = x of rows (or columns) first + i and inner index k0 + k; zeros beyond. alongK: neighbours in memory are
// neighbours in k, so that neighbouring threads read neighbouring numbers either way.
template <class T>
__device__ void loadTile(const T* __restrict__ x, Index ld, bool alongK, Index first, Index end, Index k0, Index K,
                         float (*tile)[kRow]) {
  for (int at = threadIdx.x; at < kTile * kDepth; at += kThreads) {
    const int i = alongK ? at / kDepth : at % kTile, k = alongK ? at % kDepth : at / kTile;
    const Index outer = first + i, inner = k0 + k;
    tile[k][i] = outer < end && inner < K ? toFloat(x[alongK ? outer * ld + inner : inner * ld + outer]) : 0.f;
  }
}

// A of a and b, C of c, residual and pre. p's strides are filled in. grid: tiles, row after row; 1; batch from `firstBatch`.
template <class A, class C>
__global__ void __launch_bounds__(kThreads) tileProduct(Product p, Index firstBatch) {
  __shared__ __align__(16) float tileA[kDepth][kRow], tileB[kDepth][kRow];
  const Index columns = (p.N + kTile - 1) / kTile, batch = firstBatch + blockIdx.z;
  const Index m0 = blockIdx.x / columns * kTile, n0 = blockIdx.x % columns * kTile;
  const A* a = static_cast<const A*>(p.a) + batch * p.strideA;
  const A* b = static_cast<const A*>(p.b) + batch * p.strideB;
  const int row = threadIdx.x / kAcross * kEach, column = threadIdx.x % kAcross * kEach; // within the tile
  float sums[kEach][kEach] = {};
  for (Index k0 = 0; k0 < p.K; k0 += kDepth) {
    loadTile(a, p.lda, !p.transA, m0, p.M, k0, p.K, tileA);
    loadTile(b, p.ldb, p.transB, n0, p.N, k0, p.K, tileB);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kDepth; k++)
#pragma unroll
      for (int i = 0; i < kEach; i++)
#pragma unroll
        for (int j = 0; j < kEach; j++) sums[i][j] += tileA[k][row + i] * tileB[k][column + j];
    __syncthreads();
  }
  C* c = static_cast<C*>(p.c) + batch * p.strideC;
  C* pre = p.pre ? static_cast<C*>(p.pre) + batch * p.strideC : nullptr;
  const C* residual = p.residual ? static_cast<const C*>(p.residual) + batch * p.strideC : nullptr;
#pragma unroll
  for (int i = 0; i < kEach; i++)
#pragma unroll
    for (int j = 0; j < kEach; j++) {
      const Index m = m0 + row + i, n = n0 + column + j, at = m * p.ldc + n;
      if (m >= p.M || n >= p.N) continue;
      float x = sums[i][j];
      if (p.bias) x += p.bias[n];
      if (pre) pre[at] = fromFloat<C>(x);
      if (p.act == 1) x = gelu(x);
      if (residual) x += toFloat(residual[at]);
      if (p.accumulate) x += toFloat(c[at]);
      c[at] = fromFloat<C>(x);
    }
}

constexpr Index kBatchesOfGrid = 65535;

} // namespace

void plainProduct(const Product& given) {
  Product p = given;
  if (!p.lda) p.lda = p.transA ? p.M : p.K;
  if (!p.ldb) p.ldb = p.transB ? p.K : p.N;
  if (!p.ldc) p.ldc = p.N;
  const unsigned tiles = blocksFor(p.M, kTile) * blocksFor(p.N, kTile);
  withType(p.operands, [&](auto a) {
    withType(p.result, [&](auto c) {
      for (Index first = 0; first < p.batch; first += kBatchesOfGrid) {
        const Index some = p.batch - first < kBatchesOfGrid ? p.batch - first : kBatchesOfGrid;
        launch(tileProduct<decltype(a), decltype(c)>, dim3(tiles, 1, static_cast<unsigned>(some)), kThreads, 0, p, first);
      }
    });
  });
}

} // namespace ilf::cuda
