// KL divergence between two linear layers' softmaxes. Each term of the sum is p d − p + q with d = log p − log q: they add
// up to the same as p d, but none is negative, and rounding of the two log-sum-exps cancels to first order, so that small
// divergences keep their digits.
#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "gemm.h"
#include "ops.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {
namespace {

constexpr Index kLogits = 1 << 16; // floats of logits that a forward task holds per side
constexpr Index kSlice = 512;      // tokens of the vocabulary at a time, backwards
constexpr Index kChunk = 2048;     // rows at a time, backwards

float divergence(Index V, const float* lp, const float* lq, float lseP, float lseQ) {
  Vec sum = {};
  for (Index j = 0; j < V; j += VL) {
    const Vec a = loadUpTo(lp + j, V - j, -3.0e38f) - lseP, b = loadUpTo(lq + j, V - j, -3.0e38f) - lseQ;
    const Vec p = vexpBounded(a), q = vexpBounded(b);
    sum += p * (a - b) - p + q;
  }
  return sumLanes(sum);
}

template <class T>
void forward(Index M, Index V, Index Dp, Index Dq, const T* hp, const float* wp, const T* hq, const float* wq, float* kl,
             float* lseP, float* lseQ) {
  float* packedP = scratch(kPackB, packedSize<T>(V, Dp));
  float* packedQ = scratch(kPackB2, packedSize<T>(V, Dq));
  packBShared<T>(V, Dp, wp, Dp, true, packedP);
  packBShared<T>(V, Dq, wq, Dq, true, packedQ);
  const Index padded = roundUp(V, NR);
  const Index rows = most(MR, least(kRowBlock, kLogits / padded / MR * MR));
  const auto block = [&](Index task) {
    const Index from = task * rows, n = least(rows, M - from);
    float *p = scratch(kTask0, 2 * rows * padded), *q = p + rows * padded;
    gemmPacked<T>(n, V, Dp, hp + from * Dp, Dp, false, packedP, p, padded, false);
    gemmPacked<T>(n, V, Dq, hq + from * Dq, Dq, false, packedQ, q, padded, false);
    for (Index i = 0; i < n; i++) {
      const float *pi = p + i * padded, *qi = q + i * padded;
      lseP[from + i] = rowLogSumExp(pi, V);
      lseQ[from + i] = rowLogSumExp(qi, V);
      kl[from + i] = divergence(V, pi, qi, lseP[from + i], lseQ[from + i]);
    }
  };
  const Index tasks = (M + rows - 1) / rows;
  if (2. * M * V * (Dp + Dq) < 1e6)
    for (Index t = 0; t < tasks; t++) block(t);
  else parallelFor(tasks, block);
}

// ∂kl/∂(logit of p) = p (d − kl); ∂kl/∂(logit of q) = q − p.
template <class T>
void backward(Index M, Index V, Index Dp, Index Dq, const T* hp, const float* wp, const T* hq, const float* wq,
              const float* kl, const float* lseP, const float* lseQ, const float* dkl, T* dhp, float* dwp, T* dhq,
              float* dwq) {
  const Index chunk = least(kChunk, M);
  float *gp = scratch(kOp0, chunk * kSlice), *gq = scratch(kOp1, chunk * kSlice);
  // Gradients of the hidden states are summed over the vocabulary's slices in floats.
  const bool direct = sizeof(T) == 4;
  float* sums = direct ? nullptr : scratch(kOp2, M * (Dp + Dq));
  float* sumP = !dhp ? nullptr : direct ? reinterpret_cast<float*>(dhp) : sums;
  float* sumQ = !dhq ? nullptr : direct ? reinterpret_cast<float*>(dhq) : sums + M * Dp;
  for (Index v = 0; v < V; v += kSlice) {
    const Index vn = least(kSlice, V - v);
    float* packs = scratch(kPackB2, packedSize<T>(kSlice, Dp) + packedSize<T>(kSlice, Dq) + packedSize(Dp, kSlice) +
                                        packedSize(Dq, kSlice));
    float *packP = packs, *packQ = packP + packedSize<T>(vn, Dp);
    float *backP = packQ + packedSize<T>(vn, Dq), *backQ = backP + packedSize(Dp, vn);
    packBShared<T>(vn, Dp, wp + v * Dp, Dp, true, packP);
    packBShared<T>(vn, Dq, wq + v * Dq, Dq, true, packQ);
    if (dhp) packBShared<T>(Dp, vn, wp + v * Dp, Dp, false, backP);
    if (dhq) packBShared<T>(Dq, vn, wq + v * Dq, Dq, false, backQ);
    for (Index m = 0; m < M; m += kChunk) {
      const Index mn = least(kChunk, M - m);
      gemmPackedShared<T>(mn, vn, Dp, hp + m * Dp, Dp, false, packP, gp, vn, false);
      gemmPackedShared<T>(mn, vn, Dq, hq + m * Dq, Dq, false, packQ, gq, vn, false);
      // In place: a row of gradients takes no more room than its logits.
      T *tp = reinterpret_cast<T*>(gp), *tq = reinterpret_cast<T*>(gq);
      constexpr Index each = 32, per = sizeof(float) / sizeof(T);
      parallelFor((mn + each - 1) / each, [&](Index task) {
        for (Index i = task * each; i < least(mn, (task + 1) * each); i++) {
          const float *sp = lseP + m + i, *sq = lseQ + m + i, up = dkl[m + i], total = kl[m + i];
          for (Index j = 0; j < vn; j += VL) {
            const Index left = vn - j;
            const Vec a = loadUpTo(gp + i * vn + j, left) - *sp, b = loadUpTo(gq + i * vn + j, left) - *sq;
            const Vec p = vexpBounded(a), q = vexpBounded(b);
            storeUpTo(tp + i * per * vn + j, p * (a - b - total) * up, left);
            storeUpTo(tq + i * per * vn + j, (q - p) * up, left);
          }
        }
      });
      if (sumP) gemmPackedShared<T>(mn, Dp, vn, tp, per * vn, false, backP, sumP + m * Dp, Dp, v > 0);
      if (sumQ) gemmPackedShared<T>(mn, Dq, vn, tq, per * vn, false, backQ, sumQ + m * Dq, Dq, v > 0);
      if (dwp) multiply<T>(vn, Dp, mn, tp, per * vn, true, hp + m * Dp, false, dwp + v * Dp, m > 0);
      if (dwq) multiply<T>(vn, Dq, mn, tq, per * vn, true, hq + m * Dq, false, dwq + v * Dq, m > 0);
    }
  }
  if (!direct && dhp) convert(kFloat32, kBfloat16, M * Dp, sumP, dhp);
  if (!direct && dhq) convert(kFloat32, kBfloat16, M * Dq, sumQ, dhq);
}

} // namespace

void klForward(Type type, Index M, Index V, Index Dp, Index Dq, const void* hp, const float* wp, const void* hq,
               const float* wq, float* kl, float* lseP, float* lseQ) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    forward(M, V, Dp, Dq, static_cast<const T*>(hp), wp, static_cast<const T*>(hq), wq, kl, lseP, lseQ);
  });
}

void klBackward(Type type, Index M, Index V, Index Dp, Index Dq, const void* hp, const float* wp, const void* hq,
                const float* wq, const float* kl, const float* lseP, const float* lseQ, const float* dkl, void* dhp,
                float* dwp, void* dhq, float* dwq) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    backward(M, V, Dp, Dq, static_cast<const T*>(hp), wp, static_cast<const T*>(hq), wq, kl, lseP, lseQ, dkl,
             static_cast<T*>(dhp), dwp, static_cast<T*>(dhq), dwq);
  });
}

} // namespace ILF_NS
} // namespace ilf
