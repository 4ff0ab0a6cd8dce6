// Layer norm (Ba et al. 2016) and RMS norm (Zhang & Sennrich 2019).
#include "norm.h"

#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {
namespace {

constexpr Index kRows = 64; // rows of a task, and of one partial sum of the parameters' gradients

template <class F>
void overRows(Index M, Index D, F body) {
  const Index blocks = (M + kRows - 1) / kRows;
  const auto block = [&](Index b) { body(b, b * kRows, least(M, (b + 1) * kRows)); };
  if (M * D < 32768)
    for (Index b = 0; b < blocks; b++) block(b);
  else parallelFor(blocks, block);
}

} // namespace

template <class T>
void normRow(int kind, Index D, float eps, const T* x, const float* gamma, const float* beta, T* y, float* mean,
             float* rstd) {
  float mu = 0;
  if (kind == 0) {
    Vec s = {};
    for (Index j = 0; j < D; j += VL) s += loadUpTo(x + j, D - j);
    mu = sumLanes(s) / D;
  }
  Vec q = {}; // second pass over the row in cache: no cancellation
  for (Index j = 0; j < D; j += VL) {
    const Vec d = loadUpTo(x + j, D - j, mu) - mu;
    q += d * d;
  }
  const float r = 1.f / sqrtf(sumLanes(q) / D + eps);
  for (Index j = 0; j < D; j += VL) {
    const Index left = D - j;
    Vec v = (loadUpTo(x + j, left) - mu) * r * loadUpTo(gamma + j, left);
    if (beta) v += loadUpTo(beta + j, left);
    storeUpTo(y + j, v, left);
  }
  if (mean) *mean = mu;
  if (rstd) *rstd = r;
}

template void normRow(int, Index, float, const float*, const float*, const float*, float*, float*, float*);
template void normRow(int, Index, float, const bf16*, const float*, const float*, bf16*, float*, float*);

void normForward(Type type, int kind, Index M, Index D, float eps, const void* x, const float* gamma, const float* beta,
                 void* y, float* mean, float* rstd) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    overRows(M, D, [&](Index, Index from, Index to) {
      for (Index i = from; i < to; i++)
        normRow(kind, D, eps, static_cast<const T*>(x) + i * D, gamma, beta, static_cast<T*>(y) + i * D,
                mean ? mean + i : nullptr, rstd + i);
    });
  });
}

// With x̂ = (x − μ) r and g = dy γ: dx = r (g − mean(g) − x̂ mean(g x̂)); RMS norm has no mean(g) and μ = 0.
template <class T>
static void backward(int kind, Index M, Index D, const T* x, const float* gamma, const float* mean, const float* rstd,
                     const T* dy, const T* residual, T* dx, float* dgamma, float* dbeta) {
  const Index blocks = (M + kRows - 1) / kRows;
  float* sums = scratch(kOp0, blocks * 2 * D);
  overRows(M, D, [&](Index b, Index from, Index to) {
    float *sg = sums + b * 2 * D, *sb = sg + D;
    memset(sg, 0, 2 * D * sizeof(float));
    for (Index i = from; i < to; i++) {
      const float mu = kind == 0 ? mean[i] : 0.f, r = rstd[i];
      const T *xi = x + i * D, *dyi = dy + i * D;
      Vec total = {}, along = {};
      for (Index j = 0; j < D; j += VL) {
        const Index left = D - j;
        const Vec hat = (loadUpTo(xi + j, left) - mu) * r, up = loadUpTo(dyi + j, left);
        const Vec g = up * loadUpTo(gamma + j, left);
        total += g;
        along += g * hat;
        storeUpTo(sg + j, loadUpTo(sg + j, left) + up * hat, left);
        if (dbeta) storeUpTo(sb + j, loadUpTo(sb + j, left) + up, left);
      }
      const float meanG = kind == 0 ? sumLanes(total) / D : 0.f, meanGX = sumLanes(along) / D;
      for (Index j = 0; j < D; j += VL) {
        const Index left = D - j;
        const Vec hat = (loadUpTo(xi + j, left) - mu) * r;
        const Vec g = loadUpTo(dyi + j, left) * loadUpTo(gamma + j, left);
        storeUpTo(dx + i * D + j, r * (g - meanG - hat * meanGX), left);
      }
      // While the row is in the cache; rounded as a sum of two arrays is.
      for (Index j = 0; residual && j < D; j += VL) {
        const Index left = D - j;
        storeUpTo(dx + i * D + j, loadUpTo(dx + i * D + j, left) + loadUpTo(residual + i * D + j, left), left);
      }
    }
  });
  memset(dgamma, 0, D * sizeof(float));
  if (dbeta) memset(dbeta, 0, D * sizeof(float));
  for (Index b = 0; b < blocks; b++)
    for (Index j = 0; j < D; j++) {
      dgamma[j] += sums[b * 2 * D + j];
      if (dbeta) dbeta[j] += sums[b * 2 * D + D + j];
    }
}

void normBackward(Type type, int kind, Index M, Index D, const void* x, const float* gamma, const float* mean,
                  const float* rstd, const void* dy, const void* residual, void* dx, float* dgamma, float* dbeta) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    backward(kind, M, D, static_cast<const T*>(x), gamma, mean, rstd, static_cast<const T*>(dy),
             static_cast<const T*>(residual), static_cast<T*>(dx), dgamma, dbeta);
  });
}

} // namespace ILF_NS
} // namespace ilf
