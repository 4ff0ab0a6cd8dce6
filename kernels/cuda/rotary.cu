// Rotary position embedding (Su et al. 2021), Hugging Face's "rotate half" form: element i of a head's first half turns
// together with element i of its second half. The angles of [T, Dh/2] are computed once a call, in double as positions times
// small frequencies need, and then read by all sequences and heads from the caches.
#include <math.h>

#include <algorithm>
#include <vector>

#include "ops.h"
#include "vectors.h"

namespace ilf::cuda {
namespace {

__global__ void angles(Index T, int half, const int32_t* positions, const double* frequencies, bool inverse, float* cosine,
                       float* sine) {
  const Index at = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= T * half) return;
  double s, c;
  sincos(positions[at / half] * frequencies[at % half], &s, &c);
  cosine[at] = static_cast<float>(c);
  sine[at] = static_cast<float>(inverse ? -s : s);
}

// A block turns a token's heads; a thread, N numbers of each half.
template <class S, int N>
__global__ void turn(Index T, int H, int half, const float* __restrict__ cosine, const float* __restrict__ sine, const S* x,
                     S* y) {
  const Index token = blockIdx.x, place = token % T * half;
  const int groups = half / N;
  for (int i = threadIdx.x; i < H * groups; i += blockDim.x) {
    const int within = i % groups * N;
    const Index at = (token * H + i / groups) * 2 * half + within;
    float u[N], v[N], c[N], s[N], first[N], second[N];
    load<N>(x + at, u);
    load<N>(x + at + half, v);
    load<N>(cosine + place + within, c);
    load<N>(sine + place + within, s);
    for (int j = 0; j < N; j++) {
      first[j] = u[j] * c[j] - v[j] * s[j];
      second[j] = v[j] * c[j] + u[j] * s[j];
    }
    store<N>(y + at, first);
    store<N>(y + at + half, second);
  }
}

} // namespace

void rotary(Type type, Index B, Index T, Index H, Index Dh, double theta, const int32_t* positions, const void* x, void* y,
            bool inverse) {
  const Index half = Dh / 2;
  std::vector<double> frequencies(half);
  for (Index i = 0; i < half; i++) frequencies[i] = pow(theta, -2. * i / Dh);
  const Temporary<double> f = uploaded(frequencies.data(), half);
  const Temporary<int32_t> p = uploaded(positions, T);
  const Temporary<float> cosine(T * half), sine(T * half); // [T,Dh/2]
  launch(angles, blocksFor(T * half, 128), 128, 0, T, static_cast<int>(half), p, f, inverse, cosine, sine);
  withType(type, [&](auto t) {
    typedef decltype(t) S;
    withWidth<S>(half, [&](auto width) {
      constexpr int N = decltype(width)::value;
      const Index threads = std::min<Index>(256, (H * half / N + 31) / 32 * 32);
      launch(turn<S, N>, static_cast<unsigned>(B * T), static_cast<unsigned>(threads), 0, T, static_cast<int>(H),
             static_cast<int>(half), cosine, sine, static_cast<const S*>(x), static_cast<S*>(y));
    });
  });
}

} // namespace ilf::cuda
