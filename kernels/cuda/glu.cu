#include "glu.h"

#include "gelu.h"
#include "ops.h"
#include "vectors.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kEach = 8; // numbers of a thread: 16 bytes of bfloat16

// SiLU, x σ(x), is act 2; else GELU.
__device__ __forceinline__ float activation(int act, float x) { return act == 2 ? x * logistic(x) : gelu(x); }
__device__ __forceinline__ float slope(int act, float x) {
  if (act != 2) return geluSlope(x);
  const float s = logistic(x);
  return s + x * s * (1.f - s);
}

// body(N, at) for kEach numbers at a time, or, behind the last whole ones, for one.
template <class F>
__device__ void eachFew(Index n, F body) {
  const Index at = (static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x) * kEach;
  if (at + kEach <= n) return body(std::integral_constant<int, kEach>(), at);
  for (Index i = at; i < n; i++) body(std::integral_constant<int, 1>(), i);
}

template <class T>
__global__ void forward(Index n, int act, const T* gate, const T* up, T* y) {
  eachFew(n, [=](auto few, Index at) {
    constexpr int N = decltype(few)::value;
    float g[N], u[N];
    load<N>(gate + at, g);
    load<N>(up + at, u);
    for (int i = 0; i < N; i++) g[i] = activation(act, g[i]) * u[i];
    store<N>(y + at, g);
  });
}

template <class T>
__global__ void backward(Index n, int act, const T* gate, const T* up, const T* dy, T* dgate, T* dup) {
  eachFew(n, [=](auto few, Index at) {
    constexpr int N = decltype(few)::value;
    float g[N], u[N], d[N], dg[N], du[N];
    load<N>(gate + at, g);
    load<N>(up + at, u);
    load<N>(dy + at, d);
    for (int i = 0; i < N; i++) {
      dg[i] = d[i] * u[i] * slope(act, g[i]);
      du[i] = d[i] * activation(act, g[i]);
    }
    store<N>(dgate + at, dg);
    store<N>(dup + at, du);
  });
}

template <class T>
__global__ void rows(Index n, Index I, int act, const T* gates, T* y) {
  const Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const T* gate = gates + i / I * 2 * I + i % I;
  y[i] = fromFloat<T>(activation(act, toFloat(gate[0])) * toFloat(gate[I]));
}

} // namespace

void gluForward(Type type, Index n, int act, const void* gate, const void* up, void* y) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    launch(forward<T>, blocksFor(n, kThreads * kEach), kThreads, 0, n, act, static_cast<const T*>(gate),
           static_cast<const T*>(up), static_cast<T*>(y));
  });
}

void gluBackward(Type type, Index n, int act, const void* gate, const void* up, const void* dy, void* dgate, void* dup) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    launch(backward<T>, blocksFor(n, kThreads * kEach), kThreads, 0, n, act, static_cast<const T*>(gate),
           static_cast<const T*>(up), static_cast<const T*>(dy), static_cast<T*>(dgate), static_cast<T*>(dup));
  });
}

void gluRows(Type type, Index M, Index I, int act, const void* gates, void* y) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    launch(rows<T>, blocksFor(M * I, kThreads), kThreads, 0, M * I, I, act, static_cast<const T*>(gates), static_cast<T*>(y));
  });
}

} // namespace ilf::cuda
