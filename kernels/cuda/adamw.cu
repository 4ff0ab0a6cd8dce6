// AdamW (Loshchilov & Hutter 2019, algorithm 2) over a list of arrays, in one launch: 28 bytes of memory a parameter, which
// is all that its time depends on, after 4 for the gradient's norm. What the step depends on, loss and norm, stays on the GPU:
// the host waits once, at the end.
#include <math.h>

#include "lists.h"
#include "ops.h"
#include "sums.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 256;

struct Hyper {
  float beta1, rest1, beta2, rest2; // rest = 1 − β, subtracted in double
  float step, correct2;             // lr / (1 − β1^t), 1 / √(1 − β2^t)
  float eps;
};

// Of a step, in the GPU's memory.
struct State {
  double loss, gradNorm;
  float gradScale;
  bool valid;  // loss and norm are finite
  bool finite; // the parameters are
};

struct Parameters {
  float *p, *m, *v;
  const float* g;
  Index length;
  float decay; // lr · weight decay
};

// By one thread, before the parameters' turn.
__global__ void beginStep(Index losses, const float* const* __restrict__ loss, const double* __restrict__ squares, double clip,
                          State* state) {
  double sum = 0;
  for (Index l = 0; l < losses; l++) sum += *loss[l];
  const double norm = sqrt(*squares);
  *state = {sum, norm, static_cast<float>(clip > 0 && norm > clip ? clip / norm : 1), isfinite(sum) && isfinite(norm), true};
}

// Whether p is finite after it.
__device__ __forceinline__ bool update(float& p, float g, float& m, float& v, const Hyper& h, float gradScale, float decay) {
  g *= gradScale;
  m = h.beta1 * m + h.rest1 * g;
  v = h.beta2 * v + h.rest2 * g * g;
  p = p - decay * p - h.step * m / (sqrtf(v) * h.correct2 + h.eps);
  return isfinite(p);
}

__global__ void __launch_bounds__(kThreads)
    updateChunks(int arrays, const int32_t* __restrict__ first, const Parameters* __restrict__ list, Hyper h, State* state) {
  if (!state->valid) return;
  const float scale = state->gradScale;
  bool finite = true;
  const int chunk = blockIdx.x, a = arrayOfChunk(first, arrays, chunk);
  const Parameters of = list[a];
  const Index begin = (chunk - first[a]) * kListChunk;
  const int n = static_cast<int>(min(kListChunk, of.length - begin));
  float *p = of.p + begin, *m = of.m + begin, *v = of.v + begin;
  const float* g = of.g + begin;
  for (int i = threadIdx.x; i < n / 4; i += kThreads) {
    float4 p4 = reinterpret_cast<float4*>(p)[i], m4 = reinterpret_cast<float4*>(m)[i], v4 = reinterpret_cast<float4*>(v)[i];
    const float4 g4 = reinterpret_cast<const float4*>(g)[i];
    finite &= update(p4.x, g4.x, m4.x, v4.x, h, scale, of.decay);
    finite &= update(p4.y, g4.y, m4.y, v4.y, h, scale, of.decay);
    finite &= update(p4.z, g4.z, m4.z, v4.z, h, scale, of.decay);
    finite &= update(p4.w, g4.w, m4.w, v4.w, h, scale, of.decay);
    reinterpret_cast<float4*>(p)[i] = p4;
    reinterpret_cast<float4*>(m)[i] = m4;
    reinterpret_cast<float4*>(v)[i] = v4;
  }
  for (int i = n / 4 * 4 + threadIdx.x; i < n; i += kThreads)
    finite &= update(p[i], g[i], m[i], v[i], h, scale, of.decay);
  if (!finite) state->finite = false; // whoever writes it writes the same
}

} // namespace

void clippedAdamw(Index arrays, const Index* lengths, float* const* params, const float* const* grads, float* const* m,
                  float* const* v, const double* weightDecay, double lr, double beta1, double beta2, double eps, double step,
                  double clip, Index losses, const float* const* loss, Outcome* outcome) {
  const Temporary<double> squares(1);
  const Temporary<State> state(1);
  const Temporary<const float*> each = uploaded(loss, losses);
  sumOfSquares(arrays, lengths, grads, squares);
  launch(beginStep, 1, 1, 0, losses, each, squares, clip, state);
  const std::vector<int32_t> first = firstChunks(arrays, lengths);
  std::vector<Parameters> list(arrays);
  for (Index a = 0; a < arrays; a++)
    list[a] = {params[a], m[a], v[a], grads[a], lengths[a], static_cast<float>(lr * weightDecay[a])};
  const Hyper h = {static_cast<float>(beta1),
                   static_cast<float>(1 - beta1),
                   static_cast<float>(beta2),
                   static_cast<float>(1 - beta2),
                   static_cast<float>(lr / (1 - pow(beta1, step))),
                   static_cast<float>(1 / sqrt(1 - pow(beta2, step))),
                   static_cast<float>(eps)};
  const Temporary<int32_t> starts = uploaded(first.data(), arrays + 1);
  const Temporary<Parameters> all = uploaded(list.data(), arrays);
  launch(updateChunks, static_cast<unsigned>(first.back()), kThreads, 0, static_cast<int>(arrays), starts, all, h, state);
  State end;
  download(&end, state, sizeof end);
  *outcome = {end.loss, end.gradNorm, end.finite};
}

} // namespace ilf::cuda
