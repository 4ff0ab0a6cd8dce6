// Rotary position embedding (Su et al. 2021). The angles of a call's tokens [M, pairs] are computed once, in double as positions
// times small frequencies need, and then read by all heads from the caches; a decoder's few rows compute their own.
#include "rotary.h"

#include <math.h>

#include <algorithm>

#include "kv_cache.h"
#include "ops.h"
#include "vectors.h"

namespace ilf::cuda {
namespace {

// Cosine and sine, times scale.
__device__ __forceinline__ float2 angleOf(const Rotation& r, int position, int pair) {
  double s, c;
  sincos(position * r.frequencies[pair], &s, &c);
  return {static_cast<float>(r.scale * c), static_cast<float>(r.scale * s)};
}

// Where the numbers of a pair stand in a head.
__device__ __forceinline__ int firstOf(const Rotation& r, int pair) { return r.interleaved ? 2 * pair : pair; }
__device__ __forceinline__ int secondOf(const Rotation& r, int pair) {
  return r.interleaved ? 2 * pair + 1 : static_cast<int>(r.pairs) + pair;
}

__global__ void angles(Index n, Rotation r, const int32_t* positions, bool inverse, float* cosine, float* sine) {
  const Index at = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= n) return;
  const float2 angle = angleOf(r, positions[at / r.pairs], static_cast<int>(at % r.pairs));
  cosine[at] = angle.x;
  sine[at] = inverse ? -angle.y : angle.y;
}

// A block turns a token's heads; a thread, N numbers of each half.
template <class S, int N>
__global__ void turnHalves(int heads, int Dh, int pairs, Index width, const float* __restrict__ cosine,
                           const float* __restrict__ sine, const S* x, S* y) {
  const Index token = blockIdx.x, place = token * pairs;
  const int groups = pairs / N;
  for (int i = threadIdx.x; i < heads * groups; i += blockDim.x) {
    const int within = i % groups * N;
    const Index at = token * width + i / groups * Dh + within;
    float u[N], v[N], c[N], s[N], first[N], second[N];
    load<N>(x + at, u);
    load<N>(x + at + pairs, v);
    load<N>(cosine + place + within, c);
    load<N>(sine + place + within, s);
    for (int j = 0; j < N; j++) {
      first[j] = u[j] * c[j] - v[j] * s[j];
      second[j] = v[j] * c[j] + u[j] * s[j];
    }
    store<N>(y + at, first);
    store<N>(y + at + pairs, second);
  }
}

template <class S>
__global__ void turnNeighbours(int heads, int Dh, int pairs, Index width, const float* __restrict__ cosine,
                               const float* __restrict__ sine, const S* x, S* y) {
  const Index token = blockIdx.x, place = token * pairs;
  for (int i = threadIdx.x; i < heads * pairs; i += blockDim.x) {
    const int pair = i % pairs;
    const Index at = token * width + i / pairs * Dh + 2 * pair;
    const float u = toFloat(x[at]), v = toFloat(x[at + 1]), c = cosine[place + pair], s = sine[place + pair];
    y[at] = fromFloat<S>(u * c - v * s);
    y[at + 1] = fromFloat<S>(v * c + u * s);
  }
}

// What does not turn: of the first `turned` heads what comes after `from`, and all of the others.
template <class S>
__global__ void copyRest(Index n, int heads, int turned, int Dh, int from, const S* x, S* y) {
  const Index i = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n && (i / Dh % heads >= turned || i % Dh >= from)) y[i] = x[i];
}

// grid: M. In place.
template <class T>
__global__ void turnRow(int turned, int Dh, Index ld, Rotation r, const StepRow* rows, int tokens, T* x) {
  const int position = rows ? rows[blockIdx.x].length + rows[blockIdx.x].added : static_cast<int>(blockIdx.x) % tokens;
  T* row = x + static_cast<Index>(blockIdx.x) * ld;
  for (int pair = threadIdx.x; pair < r.pairs; pair += blockDim.x) {
    const float2 angle = angleOf(r, position, pair);
    for (int head = 0; head < turned; head++) {
      T *first = row + head * Dh + firstOf(r, pair), *second = row + head * Dh + secondOf(r, pair);
      const float u = toFloat(*first), v = toFloat(*second);
      *first = fromFloat<T>(u * angle.x - v * angle.y);
      *second = fromFloat<T>(v * angle.x + u * angle.y);
    }
  }
}

} // namespace

void rotary(Type type, Index M, Index heads, Index turned, Index Dh, const int32_t* positions, const Rotation& rotation,
            bool inverse, const void* x, void* y) {
  const Index pairs = rotation.pairs, n = M * heads * Dh;
  if (n == 0) return;
  const Temporary<double> f = uploaded(rotation.frequencies, pairs);
  const Temporary<int32_t> p = uploaded(positions, M);
  const Temporary<float> cosine(M * pairs), sine(M * pairs); // [M,pairs]
  const Rotation there = {pairs, f, rotation.interleaved, rotation.scale};
  launch(angles, blocksFor(M * pairs, 128), 128, 0, M * pairs, there, p, inverse, cosine, sine);
  withType(type, [&](auto t) {
    typedef decltype(t) S;
    const S* from = static_cast<const S*>(x);
    S* to = static_cast<S*>(y);
    if (turned < heads || 2 * pairs < Dh)
      launch(copyRest<S>, blocksFor(n, 256), 256, 0, n, static_cast<int>(heads), static_cast<int>(turned),
             static_cast<int>(Dh), static_cast<int>(2 * pairs), from, to);
    const auto start = [&](auto kernel, Index each) {
      const Index threads = std::min<Index>(256, (turned * pairs / each + 31) / 32 * 32);
      launch(kernel, static_cast<unsigned>(M), static_cast<unsigned>(threads), 0, static_cast<int>(turned),
             static_cast<int>(Dh), static_cast<int>(pairs), heads * Dh, cosine, sine, from, to);
    };
    if (pairs == 0) return;
    if (rotation.interleaved) return start(turnNeighbours<S>, 1);
    // Whole words where every head and each half begins at one.
    const bool wide = Dh % Pack<S>::kLength == 0;
    withWidth<S>(wide ? pairs : 1, [&](auto width) {
      constexpr int N = decltype(width)::value;
      start(turnHalves<S, N>, N);
    });
  });
}

void turnRows(Type type, Index M, Index turned, Index Dh, Index ld, const Rotation& rotation, const StepRow* rows, Index tokens,
              void* x) {
  const Index threads = std::min<Index>(256, (rotation.pairs + 31) / 32 * 32);
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    launch(turnRow<T>, static_cast<unsigned>(M), static_cast<unsigned>(threads), 0, static_cast<int>(turned),
           static_cast<int>(Dh), ld, rotation, rows, static_cast<int>(tokens), static_cast<T*>(x));
  });
}

} // namespace ilf::cuda
