// Rotary position embedding (Su et al. 2021), Hugging Face's "rotate half" form: element i of a head's first half turns
// together with element i of its second half. A task per position computes its angles once, for all sequences and heads.
#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {

template <class S>
static void turn(Index B, Index T, Index H, Index Dh, double theta, const int32_t* positions, const S* x, S* y,
                 bool inverse) {
  const Index half = Dh / 2;
  const auto position = [&](Index t) {
    float *c = scratch(kTask0, 2 * half), *s = c + half;
    for (Index i = 0; i < half; i++) {
      const double angle = positions[t] * pow(theta, -2. * i / Dh);
      c[i] = static_cast<float>(cos(angle));
      s[i] = static_cast<float>(inverse ? -sin(angle) : sin(angle));
    }
    for (Index b = 0; b < B; b++)
      for (Index h = 0; h < H; h++) {
        const Index at = ((b * T + t) * H + h) * Dh;
        for (Index i = 0; i < half; i += VL) {
          const Index left = half - i;
          const Vec u = loadUpTo(x + at + i, left), v = loadUpTo(x + at + half + i, left);
          const Vec ci = loadUpTo(c + i, left), si = loadUpTo(s + i, left);
          storeUpTo(y + at + i, u * ci - v * si, left);
          storeUpTo(y + at + half + i, v * ci + u * si, left);
        }
      }
  };
  if (B * T * H * Dh < 32768)
    for (Index t = 0; t < T; t++) position(t);
  else parallelFor(T, position);
}

void rotary(Type type, Index B, Index T, Index H, Index Dh, double theta, const int32_t* positions, const void* x, void* y,
            bool inverse) {
  withType(type, [&](auto t) {
    typedef decltype(t) S;
    turn(B, T, H, Dh, theta, positions, static_cast<const S*>(x), static_cast<S*>(y), inverse);
  });
}

} // namespace ILF_NS
} // namespace ilf
