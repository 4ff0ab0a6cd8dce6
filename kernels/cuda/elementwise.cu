// Conversions between storage types, sums, multiples: as fast as memory is read and written.
#include "ops.h"
#include "vectors.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kEach = 8; // numbers of a thread: 16 bytes of bfloat16

// y = f(a, b), element by element; b is not read where it is null.
template <class From, class To, class F>
__device__ void eachElement(Index n, const From* a, const From* b, To* y, F f) {
  const Index at = (static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x) * kEach;
  if (at + kEach <= n) {
    float x[kEach], z[kEach] = {};
    load<kEach>(a + at, x);
    if (b) load<kEach>(b + at, z);
    for (int i = 0; i < kEach; i++) x[i] = f(x[i], z[i]);
    store<kEach>(y + at, x);
  } else {
    for (Index i = at; i < n; i++) y[i] = fromFloat<To>(f(toFloat(a[i]), b ? toFloat(b[i]) : 0.f));
  }
}

template <class From, class To>
__global__ void convertEach(Index n, const From* x, To* y) {
  eachElement(n, x, static_cast<const From*>(nullptr), y, [](float v, float) { return v; });
}

template <class T>
__global__ void addEach(Index n, const T* a, const T* b, T* sum) {
  eachElement(n, a, b, sum, [](float v, float w) { return v + w; });
}

template <class T>
__global__ void scaleEach(Index n, const T* x, float by, T* y) {
  eachElement(n, x, static_cast<const T*>(nullptr), y, [by](float v, float) { return v * by; });
}

unsigned blocks(Index n) { return blocksFor(n, kThreads * kEach); }

} // namespace

void convert(Type from, Type to, Index n, const void* x, void* y) {
  withType(from, [&](auto f) {
    withType(to, [&](auto t) {
      typedef decltype(f) From;
      typedef decltype(t) To;
      launch(convertEach<From, To>, blocks(n), kThreads, 0, n, static_cast<const From*>(x), static_cast<To*>(y));
    });
  });
}

void add(Type type, Index n, const void* a, const void* b, void* sum) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    launch(addEach<T>, blocks(n), kThreads, 0, n, static_cast<const T*>(a), static_cast<const T*>(b),
           static_cast<T*>(sum));
  });
}

void scale(Type type, Index n, const void* x, float by, void* y) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    launch(scaleEach<T>, blocks(n), kThreads, 0, n, static_cast<const T*>(x), by, static_cast<T*>(y));
  });
}

} // namespace ilf::cuda
