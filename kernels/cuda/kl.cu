// KL divergence between two linear layers' softmaxes, exact over the vocabulary, never with more than a chunk's logits in
// memory (vocabulary.h). The logits of both sides are read once: beyond its products, which are those of two forward passes,
// a row of GPT-2 costs the writing and reading of 400 KB.
#include "vocabulary.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kSideGroups = kGroups / 2; // of each side, at a time

// Sums over a row's logits a of p and b of q that its divergence is made of. With x = a − A and y = b − B for shifts A and B
// near the largest logits, u = exp x and v = exp y:
//   KL = Σ u (x − y) / Σ u − ln(Σ u / Σ v),   ln(Σ u / Σ v) = ln(1 + Σ (u − v) / Σ v).
// Where p is nearly q, all of these terms are small themselves, if u − v is not made of u and v, with their rounding: a
// small divergence keeps its digits, and is 0 for equal logits. Elsewhere the logarithm of the sums themselves is as good.
// The shifts follow the largest logits at once: sums of exponentials above 1 would leave their rounding in what remains of
// u − v after a shift.
struct Divergence {
  float A, B;
  float sumP = 0, sumQ = 0, difference = 0, along = 0; // Σ u, Σ v, Σ (u − v), Σ u (x − y)

  __device__ Divergence(float a, float b) : A(a), B(b) {}

  __device__ __forceinline__ void add(float a, float b) {
    const float x = a - A, y = b - B, t = x - y, u = expf(x), v = expf(y);
    sumP += u;
    sumQ += v;
    along += u * t;
    // u (1 − exp −t), for small t by its series to the fifth power: off by 4e-8 of itself.
    const float series = 1 - t * 0.5f * (1 - t * (1 / 3.f) * (1 - t * 0.25f * (1 - t * 0.2f)));
    difference += fabsf(t) < 0.125f ? u * t * series : u - v;
  }

  // The same sums for other shifts.
  __device__ void shift(float newA, float newB) {
    const float byA = newA - A, byB = newB - B, p = expf(-byA), q = expf(-byB);
    along = p * (along - (byA - byB) * sumP);
    // p Σ u − q Σ v = p Σ (u − v) + (p − q) Σ v, the last with a power that cannot overflow.
    const float apart = byA > byB ? q * expm1f(byB - byA) : -p * expm1f(byA - byB);
    difference = p * difference + apart * sumQ;
    sumP *= p;
    sumQ *= q;
    A = newA;
    B = newB;
  }
};

__global__ void __launch_bounds__(kThreads)
    divergences(Index V, Index ld, const float* __restrict__ p, const float* __restrict__ q, float* kl, float* lseP,
                float* lseQ) {
  const Index at = gridDim.x - 1 - static_cast<Index>(blockIdx.x); // what the products wrote last comes first
  const float *rowP = p + at * ld, *rowQ = q + at * ld;
  Divergence d(rowP[0], rowQ[0]);
  for (Index tile = 0; tile < V; tile += tileLength<kSideGroups>()) {
    float a[kSideGroups][4], b[kSideGroups][4];
    readTile(rowP, tile, V, a);
    readTile(rowQ, tile, V, b);
    const float topA = largest(a), topB = largest(b);
    if (topA > d.A || topB > d.B) d.shift(fmaxf(d.A, topA), fmaxf(d.B, topB));
#pragma unroll
    for (int g = 0; g < kSideGroups; g++)
#pragma unroll
      for (int i = 0; i < 4; i++) d.add(a[g][i], b[g][i]);
  }
  const float A = blockMax(d.A), B = blockMax(d.B);
  d.shift(A, B);
  const float sumP = blockSum(d.sumP), sumQ = blockSum(d.sumQ);
  const float difference = blockSum(d.difference), along = blockSum(d.along);
  if (threadIdx.x != 0) return;
  const float ratio = sumP / sumQ;
  kl[at] = along / sumP - (fabsf(ratio - 1) < 0.125f ? log1pf(difference / sumQ) : logf(ratio));
  lseP[at] = A + logf(sumP);
  lseQ[at] = B + logf(sumQ);
}

// With r = ln p − ln q: ∂KL/∂(logit of p) = p (r − KL), ∂KL/∂(logit of q) = q − p, each in the place of its logits.
template <class T>
__global__ void __launch_bounds__(kThreads)
    gradients(Index V, Index ld, float* p, float* q, const float* __restrict__ kl, const float* __restrict__ lseP,
              const float* __restrict__ lseQ, const float* __restrict__ dkl, bool ofP, bool ofQ) {
  const Index at = gridDim.x - 1 - static_cast<Index>(blockIdx.x);
  float *rowP = p + at * ld, *rowQ = q + at * ld;
  const float by = dkl[at], total = kl[at], shiftP = lseP[at], shiftQ = lseQ[at];
  const Index length = tileLength<kSideGroups>();
  for (Index tile = (ld - 1) / length * length; tile >= 0; tile -= length) {
    float a[kSideGroups][4], b[kSideGroups][4];
    readTile(rowP, tile, V, a);
    readTile(rowQ, tile, V, b);
#pragma unroll
    for (int g = 0; g < kSideGroups; g++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float lnP = a[g][i] - shiftP, lnQ = b[g][i] - shiftQ, u = expf(lnP), v = expf(lnQ);
        a[g][i] = u * (lnP - lnQ - total) * by;
        b[g][i] = (v - u) * by;
      }
    beforeWritingInPlace<T>();
    if (ofP) writeTile(gradientRow<T>(rowP, ld), tile, V, ld, a);
    if (ofQ) writeTile(gradientRow<T>(rowQ, ld), tile, V, ld, b);
  }
}

// Both sides' logits of a chunk of rows at a time: f(from, n, logits of p, logits of q).
template <class T, class F>
void eachChunk(Index M, const Projection<T>& p, const Projection<T>& q, const T* hp, const T* hq, F f) {
  const Chunks chunks(M, p.ld + q.ld);
  const Temporary<float> a(chunks.rows * p.ld), b(chunks.rows * q.ld);
  chunks.each([&](Index from, Index n) {
    p.logits(n, hp + from * p.D, a);
    q.logits(n, hq + from * q.D, b);
    f(from, n, static_cast<float*>(a), static_cast<float*>(b));
  });
}

} // namespace

void klForward(Type type, Index M, Index V, Index Dp, Index Dq, const void* hp, const float* wp, const void* hq,
               const float* wq, float* kl, float* lseP, float* lseQ) {
  if (M == 0) return;
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const Projection<T> p(V, Dp, wp), q(V, Dq, wq);
    eachChunk(M, p, q, static_cast<const T*>(hp), static_cast<const T*>(hq), [&](Index from, Index n, float* a, float* b) {
      launch(divergences, static_cast<unsigned>(n), threadsForRow(V, kThreads), 0, V, p.ld, a, b, kl + from, lseP + from,
             lseQ + from);
    });
  });
}

void klBackward(Type type, Index M, Index V, Index Dp, Index Dq, const void* hp, const float* wp, const void* hq,
                const float* wq, const float* kl, const float* lseP, const float* lseQ, const float* dkl, void* dhp,
                float* dwp, void* dhq, float* dwq) {
  if (M == 0) {
    if (dwp) fill(dwp, 0, V * Dp * sizeof(float));
    if (dwq) fill(dwq, 0, V * Dq * sizeof(float));
    return;
  }
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const Projection<T> p(V, Dp, wp), q(V, Dq, wq);
    const T *xp = static_cast<const T*>(hp), *xq = static_cast<const T*>(hq);
    T *dxp = static_cast<T*>(dhp), *dxq = static_cast<T*>(dhq);
    eachChunk(M, p, q, xp, xq, [&](Index from, Index n, float* a, float* b) {
      launch(gradients<T>, static_cast<unsigned>(n), threadsForRow(V, kThreads), 0, V, p.ld, a, b, kl + from, lseP + from,
             lseQ + from, dkl + from, dhp || dwp, dhq || dwq);
      if (dhp) p.hiddenGradient(n, a, dxp + from * Dp);
      if (dhq) q.hiddenGradient(n, b, dxq + from * Dq);
      if (dwp) p.weightGradient(n, a, xp + from * Dp, dwp, from > 0);
      if (dwq) q.weightGradient(n, b, xq + from * Dq, dwq, from > 0);
    });
  });
}

} // namespace ilf::cuda
