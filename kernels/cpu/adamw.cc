// AdamW (Loshchilov & Hutter 2019, algorithm 2) over a list of arrays, after clipping their gradient.
#include <atomic>

#include "../runtime/pool.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {
namespace {

constexpr Index kBlock = 16384;

struct Hyper {
  float beta1, rest1, beta2, rest2; // rest = 1 − β, subtracted in double
  float step, correct2;             // lr / (1 − β1^t), 1 / √(1 − β2^t)
  float eps, decay, gradScale;
};

// Whether all of p is finite after it.
bool update(Index n, float* p, const float* g, float* m, float* v, Hyper h) {
  Vec zeros = {};
  for (Index j = 0; j < n; j += VL) {
    const Index left = n - j;
    const Vec grad = loadUpTo(g + j, left) * h.gradScale, old = loadUpTo(p + j, left);
    const Vec m1 = h.beta1 * loadUpTo(m + j, left) + h.rest1 * grad;
    const Vec v1 = h.beta2 * loadUpTo(v + j, left) + h.rest2 * grad * grad;
    Vec root;
    for (int i = 0; i < VL; i++) root[i] = __builtin_sqrtf(v1[i]);
    storeUpTo(m + j, m1, left);
    storeUpTo(v + j, v1, left);
    storeUpTo(p + j, old - h.decay * old - h.step * m1 / (root * h.correct2 + h.eps), left);
    const Vec updated = loadUpTo(p + j, left);
    zeros += updated - updated; // NaN where a number is none, or infinite
  }
  return sumLanes(zeros) == 0;
}

} // namespace

void clippedAdamw(Index arrays, const Index* lengths, float* const* params, const float* const* grads, float* const* m,
                  float* const* v, const double* weightDecay, double lr, double beta1, double beta2, double eps, double step,
                  double clip, Index losses, const float* const* loss, Outcome* outcome) {
  *outcome = {0, 0, true};
  for (Index l = 0; l < losses; l++) outcome->loss += *loss[l];
  globalNorm(arrays, lengths, grads, &outcome->gradNorm);
  const double norm = outcome->gradNorm;
  if (!isfinite(outcome->loss) || !isfinite(norm)) return;
  const double gradScale = clip > 0 && norm > clip ? clip / norm : 1;
  std::atomic<bool> finite(true);
  Index total = 0;
  for (Index a = 0; a < arrays; a++) total += (lengths[a] + kBlock - 1) / kBlock;
  const auto block = [&](Index task) {
    Index a = 0, first = task;
    for (Index n; first >= (n = (lengths[a] + kBlock - 1) / kBlock); a++) first -= n;
    const Index at = first * kBlock;
    const Hyper h = {static_cast<float>(beta1),
                     static_cast<float>(1 - beta1),
                     static_cast<float>(beta2),
                     static_cast<float>(1 - beta2),
                     static_cast<float>(lr / (1 - pow(beta1, step))),
                     static_cast<float>(1 / sqrt(1 - pow(beta2, step))),
                     static_cast<float>(eps),
                     static_cast<float>(lr * weightDecay[a]),
                     static_cast<float>(gradScale)};
    if (!update(least(kBlock, lengths[a] - at), params[a] + at, grads[a] + at, m[a] + at, v[a] + at, h)) finite = false;
  };
  if (total <= 2)
    for (Index t = 0; t < total; t++) block(t);
  else parallelFor(total, block);
  outcome->finite = finite;
}

} // namespace ILF_NS
} // namespace ilf
