// Conversions between storage types, sums, multiples.
#include "../runtime/pool.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {
namespace {

constexpr Index kBlock = 16384; // elements of a task

template <class F>
void overVectors(Index n, F body) {
  const auto block = [&](Index b) {
    for (Index j = b * kBlock; j < least(n, (b + 1) * kBlock); j += VL) body(j, n - j);
  };
  const Index blocks = (n + kBlock - 1) / kBlock;
  if (blocks <= 4)
    for (Index b = 0; b < blocks; b++) block(b);
  else parallelFor(blocks, block);
}

} // namespace

void convert(Type from, Type to, Index n, const void* x, void* y) {
  withType(from, [&](auto f) {
    withType(to, [&](auto t) {
      const auto* s = static_cast<const decltype(f)*>(x);
      auto* d = static_cast<decltype(t)*>(y);
      overVectors(n, [&](Index j, Index left) { storeUpTo(d + j, loadUpTo(s + j, left), left); });
    });
  });
}

void add(Type type, Index n, const void* a, const void* b, void* sum) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const T *p = static_cast<const T*>(a), *q = static_cast<const T*>(b);
    T* s = static_cast<T*>(sum);
    overVectors(n, [&](Index j, Index left) { storeUpTo(s + j, loadUpTo(p + j, left) + loadUpTo(q + j, left), left); });
  });
}

void scale(Type type, Index n, const void* x, float by, void* y) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const T* p = static_cast<const T*>(x);
    T* q = static_cast<T*>(y);
    overVectors(n, [&](Index j, Index left) { storeUpTo(q + j, loadUpTo(p + j, left) * by, left); });
  });
}

} // namespace ILF_NS
} // namespace ilf
