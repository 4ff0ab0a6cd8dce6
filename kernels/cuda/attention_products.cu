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

void multiplyHeads(Index heads, Index M, Index N, Index K, Matrix a, Matrix b, float* c, Index ldc, Index strideC,
                   bool add = false) {
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
  p.accumulate = add;
  multiply(p);
}

Index headsAtOnce(Index T, Index heads, Index matrices) {
  return std::max<Index>(1, std::min(heads, kMostBytes / (matrices * T * T * static_cast<Index>(sizeof(float)))));
}

// f(b, h, heads) for heads [h, h + heads) of each sequence, which either have keys of their own or share the same.
template <class F>
void overHeads(Index B, Index H, Index KV, Index atOnce, F f) {
  const Index group = H == KV ? H : H / KV;
  for (Index b = 0; b < B; b++)
    for (Index first = 0; first < H; first += group)
      for (Index h = first; h < first + group; h += atOnce) f(b, h, std::min(atOnce, first + group - h));
}

// From head h on of sequence b: those of queries, and what of keys or values belongs to them, all of it one matrix where shared.
Matrix queriesOf(Strided x, Index T, Index Dh, Index b, Index h) {
  return {static_cast<const float*>(x.data) + b * T * x.ld + h * Dh, x.ld, Dh};
}
Matrix keysOf(Strided x, Index T, Index H, Index KV, Index Dh, Index b, Index h) {
  return {static_cast<const float*>(x.data) + b * T * x.ld + h / (H / KV) * Dh, x.ld, H == KV ? Dh : 0};
}
Matrix transposed(Matrix m) { return {m.data, m.ld, m.stride, true}; }

// A gradient of keys or values, of head h on: to = leftᵀ right, or, of heads that share them, the sum, one head after another.
void gradientOfKeys(Index heads, Index T, Index Dh, Matrix left, Matrix right, bool shared, bool add, float* to, Index ld) {
  if (!shared) return multiplyHeads(heads, T, Dh, T, transposed(left), right, to, ld, Dh);
  for (Index i = 0; i < heads; i++) {
    const Matrix l = {left.data + i * left.stride, left.ld, 0, true}, r = {right.data + i * right.stride, right.ld, 0};
    multiplyHeads(1, T, Dh, T, l, r, to, ld, 0, add || i > 0);
  }
}

} // namespace

void attentionForwardByProducts(Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v, float* y,
                                float* lse) {
  const Index D = H * Dh, atOnce = headsAtOnce(T, H, 1);
  const float scale = 1.f / sqrtf(static_cast<float>(Dh));
  Temporary<float> scores(atOnce * T * T);
  overHeads(B, H, KV, atOnce, [&](Index b, Index h, Index heads) {
    const Matrix keys = keysOf(k, T, H, KV, Dh, b, h), values = keysOf(v, T, H, KV, Dh, b, h);
    multiplyHeads(heads, T, T, Dh, queriesOf(q, T, Dh, b, h), transposed(keys), scores, T, T * T);
    launch(softmaxKernel, dim3(T, heads), kThreads, 0, T, scale, scores, lse + (b * H + h) * T);
    multiplyHeads(heads, T, Dh, T, {scores, T, T * T}, values, y + b * T * D + h * Dh, D, Dh);
  });
}

void attentionBackwardByProducts(Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v,
                                 const float* y, const float* lse, const float* dy, float* dq, float* dk, float* dv) {
  const Index D = H * Dh, group = H / KV, atOnce = headsAtOnce(T, H, 2);
  const float scale = 1.f / sqrtf(static_cast<float>(Dh));
  Temporary<float> p(atOnce * T * T), ds(atOnce * T * T);
  overHeads(B, H, KV, atOnce, [&](Index b, Index h, Index heads) {
    const Index atY = b * T * D + h * Dh, atKeys = h / group * Dh;
    const bool shared = group > 1, add = h % group > 0;
    const Matrix queries = queriesOf(q, T, Dh, b, h), ups = {dy + atY, D, Dh};
    const Matrix keys = keysOf(k, T, H, KV, Dh, b, h), values = keysOf(v, T, H, KV, Dh, b, h);
    multiplyHeads(heads, T, T, Dh, queries, transposed(keys), p, T, T * T);
    multiplyHeads(heads, T, T, Dh, ups, transposed(values), ds, T, T * T);
    launch(gradientKernel, dim3(T, heads), kThreads, 0, T, D, Dh, scale, y + atY, dy + atY, lse + (b * H + h) * T, p, ds);
    multiplyHeads(heads, T, Dh, T, {ds, T, T * T}, keys, dq + b * T * q.ld + h * Dh, q.ld, Dh);
    gradientOfKeys(heads, T, Dh, {ds, T, T * T}, queries, shared, add, dk + b * T * k.ld + atKeys, k.ld);
    gradientOfKeys(heads, T, Dh, {p, T, T * T}, ups, shared, add, dv + b * T * v.ld + atKeys, v.ld);
  });
}

} // namespace ilf::cuda
