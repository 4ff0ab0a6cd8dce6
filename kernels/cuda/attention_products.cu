// Attention as products of whole matrices in float32, with the scores of some heads in memory: for checking, where float32
// must not be rounded, and for heads too large for attention.cu's tiles. Half of the products' work is masked away, and
// scores pass through memory three times forward, nine times backward: several times slower than the tiles.
#include <math.h>

#include <algorithm>

#include "attention.h"
#include "blas.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 128;
constexpr Index kMostBytes = Index(256) << 20; // of scores at a time, unless one head has more

// scores [heads,T,T] -> probabilities, 0 where masked. A block per row.
__global__ void softmaxKernel(int T, float scale, float* scores, float* lse) {
  const int t = blockIdx.x;
  float* row = scores + (static_cast<Index>(blockIdx.y) * T + t) * T;
  float largest = -INFINITY;
  for (int j = threadIdx.x; j <= t; j += kThreads) largest = fmaxf(largest, row[j]);
  largest = blockMax(largest) * scale;
  float sum = 0;
  for (int j = threadIdx.x; j <= t; j += kThreads) sum += row[j] = expf(row[j] * scale - largest);
  sum = blockSum(sum);
  for (int j = threadIdx.x; j < T; j += kThreads) row[j] = j <= t ? row[j] / sum : 0.f;
  if (threadIdx.x == 0) lse[static_cast<Index>(blockIdx.y) * T + t] = largest + logf(sum);
}

// scores [heads,T,T] -> probabilities, and their gradient dp -> that of the products of queries and keys. y, dy: the first
// head's; heads are Dh apart, rows D. A block per row.
__global__ void gradientKernel(int T, int D, int Dh, float scale, const float* y, const float* dy, const float* lse,
                               float* scores, float* dp) {
  const int t = blockIdx.x;
  const Index at = static_cast<Index>(t) * D + static_cast<Index>(blockIdx.y) * Dh;
  float dot = 0;
  for (int j = threadIdx.x; j < Dh; j += kThreads) dot += dy[at + j] * y[at + j];
  dot = blockSum(dot);
  const Index row = static_cast<Index>(blockIdx.y) * T + t;
  const float shift = lse[row];
  float *s = scores + row * T, *ds = dp + row * T;
  for (int j = threadIdx.x; j < T; j += kThreads) {
    const float p = j <= t ? expf(s[j] * scale - shift) : 0.f;
    s[j] = p;
    ds[j] = j <= t ? p * (ds[j] - dot) * scale : 0.f;
  }
}

// A matrix per head, `stride` numbers apart.
struct Matrix {
  const float* data;
  Index ld, stride;
  bool transposed = false;
};

void multiplyHeads(Index heads, Index M, Index N, Index K, Matrix a, Matrix b, float* c, Index ldc, Index strideC) {
  Product p;
  p.M = M;
  p.N = N;
  p.K = K;
  p.a = a.data;
  p.b = b.data;
  p.c = c;
  p.transA = a.transposed;
  p.transB = b.transposed;
  p.lda = a.ld;
  p.ldb = b.ld;
  p.ldc = ldc;
  p.batch = heads;
  p.strideA = a.stride;
  p.strideB = b.stride;
  p.strideC = strideC;
  multiply(p);
}

Index headsAtOnce(Index T, Index H, Index matrices) {
  return std::max<Index>(1, std::min(H, kMostBytes / (matrices * T * T * static_cast<Index>(sizeof(float)))));
}

// f(b, h, heads) for heads [h, h + heads) of each sequence.
template <class F>
void overHeads(Index B, Index H, Index atOnce, F f) {
  for (Index b = 0; b < B; b++)
    for (Index h = 0; h < H; h += atOnce) f(b, h, std::min(atOnce, H - h));
}

} // namespace

void attentionForwardByProducts(Index B, Index T, Index H, Index Dh, const float* qkv, float* y, float* lse) {
  const Index D = H * Dh, ld = 3 * D, atOnce = headsAtOnce(T, H, 1);
  const float scale = 1.f / sqrtf(static_cast<float>(Dh));
  Temporary<float> scores(atOnce * T * T);
  overHeads(B, H, atOnce, [&](Index b, Index h, Index heads) {
    const float* q = qkv + b * T * ld + h * Dh;
    multiplyHeads(heads, T, T, Dh, {q, ld, Dh}, {q + D, ld, Dh, true}, scores, T, T * T);
    launch(softmaxKernel, dim3(T, heads), kThreads, 0, T, scale, scores, lse + (b * H + h) * T);
    multiplyHeads(heads, T, Dh, T, {scores, T, T * T}, {q + 2 * D, ld, Dh}, y + b * T * D + h * Dh, D, Dh);
  });
}

void attentionBackwardByProducts(Index B, Index T, Index H, Index Dh, const float* qkv, const float* y, const float* lse,
                                 const float* dy, float* dqkv) {
  const Index D = H * Dh, ld = 3 * D, atOnce = headsAtOnce(T, H, 2);
  const float scale = 1.f / sqrtf(static_cast<float>(Dh));
  Temporary<float> p(atOnce * T * T), ds(atOnce * T * T);
  overHeads(B, H, atOnce, [&](Index b, Index h, Index heads) {
    const Index atQkv = b * T * ld + h * Dh, atY = b * T * D + h * Dh;
    const float* q = qkv + atQkv;
    float* dq = dqkv + atQkv;
    multiplyHeads(heads, T, T, Dh, {q, ld, Dh}, {q + D, ld, Dh, true}, p, T, T * T);
    multiplyHeads(heads, T, T, Dh, {dy + atY, D, Dh}, {q + 2 * D, ld, Dh, true}, ds, T, T * T);
    launch(gradientKernel, dim3(T, heads), kThreads, 0, T, D, Dh, scale, y + atY, dy + atY, lse + (b * H + h) * T, p, ds);
    multiplyHeads(heads, T, Dh, T, {ds, T, T * T}, {q + D, ld, Dh}, dq, ld, Dh);
    multiplyHeads(heads, T, Dh, T, {ds, T, T * T, true}, {q, ld, Dh}, dq + D, ld, Dh);
    multiplyHeads(heads, T, Dh, T, {p, T, T * T, true}, {dy + atY, D, Dh}, dq + 2 * D, ld, Dh);
  });
}

} // namespace ilf::cuda
