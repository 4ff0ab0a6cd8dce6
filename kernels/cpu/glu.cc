#include "glu.h"

#include "../runtime/pool.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {
namespace {

// SiLU, x σ(x) (Hendrycks & Gimpel 2016), and its slope.
struct Silu {
  ILF_INLINE Vec of(Vec x) { return x * vsigmoid(x); }
  ILF_INLINE Vec slope(Vec x) {
    const Vec s = vsigmoid(x);
    return s + x * s * (1.f - s);
  }
};
struct Gelu {
  ILF_INLINE Vec of(Vec x) { return gelu(x); }
  ILF_INLINE Vec slope(Vec x) { return geluSlope(x); }
};

template <class F>
ILF_INLINE void withActivation(int act, F f) {
  if (act == kGelu) f(Gelu());
  else f(Silu());
}

constexpr Index kBlock = 8192; // numbers of a task

template <class F>
void inBlocks(Index n, F body) {
  const auto block = [&](Index b) { body(b * kBlock, least(n, (b + 1) * kBlock)); };
  const Index blocks = (n + kBlock - 1) / kBlock;
  if (blocks <= 4)
    for (Index b = 0; b < blocks; b++) block(b);
  else parallelFor(blocks, block);
}

} // namespace

template <class T>
void gluRow(int act, Index n, const T* gate, const T* up, T* y) {
  withActivation(act, [&](auto a) {
    for (Index j = 0; j < n; j += VL) {
      const Index left = n - j;
      storeUpTo(y + j, decltype(a)::of(loadUpTo(gate + j, left)) * loadUpTo(up + j, left), left);
    }
  });
}

template void gluRow(int, Index, const float*, const float*, float*);
template void gluRow(int, Index, const bf16*, const bf16*, bf16*);

void gluForward(Type type, Index n, int act, const void* gate, const void* up, void* y) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    inBlocks(n, [&](Index from, Index to) {
      gluRow(act, to - from, static_cast<const T*>(gate) + from, static_cast<const T*>(up) + from, static_cast<T*>(y) + from);
    });
  });
}

void gluBackward(Type type, Index n, int act, const void* gate, const void* up, const void* dy, void* dgate, void* dup) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const T *gates = static_cast<const T*>(gate), *ups = static_cast<const T*>(up), *dys = static_cast<const T*>(dy);
    T *dgates = static_cast<T*>(dgate), *dups = static_cast<T*>(dup);
    withActivation(act, [&](auto a) {
      inBlocks(n, [&](Index from, Index to) {
        for (Index j = from; j < to; j += VL) {
          const Index left = to - j;
          const Vec g = loadUpTo(gates + j, left), d = loadUpTo(dys + j, left);
          storeUpTo(dgates + j, d * loadUpTo(ups + j, left) * decltype(a)::slope(g), left);
          storeUpTo(dups + j, d * decltype(a)::of(g), left);
        }
      });
    });
  });
}

} // namespace ILF_NS
} // namespace ilf
