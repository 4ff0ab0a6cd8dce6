// Rotary position embedding (Su et al. 2021). The angles of a call are computed first, in double as positions times small
// frequencies need: of every position between the least and the largest, which is those of one sequence where a batch has
// many, or, where positions lie far apart, of each token.
#include "rotary.h"

#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {

void angles(const Rotation& r, int32_t position, bool inverse, float* cosine, float* sine) {
  for (Index i = 0; i < r.pairs; i++) {
    const double angle = position * r.frequencies[i], s = r.scale * sin(angle);
    cosine[i] = static_cast<float>(r.scale * cos(angle));
    sine[i] = static_cast<float>(inverse ? -s : s);
  }
}

namespace {

template <class T>
ILF_INLINE void turnHalves(Index pairs, const float* cosine, const float* sine, const T* x, T* y) {
  for (Index i = 0; i < pairs; i += VL) {
    const Index left = pairs - i;
    const Vec u = loadUpTo(x + i, left), v = loadUpTo(x + pairs + i, left);
    const Vec c = loadUpTo(cosine + i, left), s = loadUpTo(sine + i, left);
    storeUpTo(y + i, u * c - v * s, left);
    storeUpTo(y + pairs + i, v * c + u * s, left);
  }
}

// Neighbours, by way of halves: VL pairs at a time.
template <class T>
ILF_INLINE void turnNeighbours(Index pairs, const float* cosine, const float* sine, const T* x, T* y) {
  for (Index i = 0; i < pairs; i += VL) {
    const Index count = least(VL, pairs - i);
    T apart[2 * VL];
    for (Index j = 0; j < count; j++) {
      apart[j] = x[2 * (i + j)];
      apart[count + j] = x[2 * (i + j) + 1];
    }
    turnHalves(count, cosine + i, sine + i, apart, apart);
    for (Index j = 0; j < count; j++) {
      y[2 * (i + j)] = apart[j];
      y[2 * (i + j) + 1] = apart[count + j];
    }
  }
}

} // namespace

template <class T>
void turnRow(const Rotation& r, Index heads, Index turned, Index Dh, const float* cosine, const float* sine, const T* x,
             T* y) {
  for (Index h = 0; h < turned; h++) {
    if (r.interleaved) turnNeighbours(r.pairs, cosine, sine, x + h * Dh, y + h * Dh);
    else turnHalves(r.pairs, cosine, sine, x + h * Dh, y + h * Dh);
    if (x != y) memcpy(y + h * Dh + 2 * r.pairs, x + h * Dh + 2 * r.pairs, (Dh - 2 * r.pairs) * sizeof(T));
  }
  if (x != y) memcpy(y + turned * Dh, x + turned * Dh, (heads - turned) * Dh * sizeof(T));
}

template void turnRow(const Rotation&, Index, Index, Index, const float*, const float*, const float*, float*);
template void turnRow(const Rotation&, Index, Index, Index, const float*, const float*, const bf16*, bf16*);

template <class T>
static void turn(Index M, Index heads, Index turned, Index Dh, const int32_t* positions, const Rotation& r, bool inverse,
                 const T* x, T* y) {
  int32_t first = positions[0], last = positions[0];
  for (Index m = 0; m < M; m++) {
    first = positions[m] < first ? positions[m] : first;
    last = positions[m] > last ? positions[m] : last;
  }
  const bool dense = last - first < M;
  const Index count = dense ? last - first + 1 : M;
  float *cosines = scratch(kOp0, 2 * count * r.pairs), *sines = cosines + count * r.pairs;
  const auto angle = [&](Index at) {
    const int32_t position = dense ? first + static_cast<int32_t>(at) : positions[at];
    angles(r, position, inverse, cosines + at * r.pairs, sines + at * r.pairs);
  };
  const auto row = [&](Index m) {
    const Index at = (dense ? positions[m] - first : m) * r.pairs;
    turnRow(r, heads, turned, Dh, cosines + at, sines + at, x + m * heads * Dh, y + m * heads * Dh);
  };
  if (M * heads * Dh < 32768) {
    for (Index at = 0; at < count; at++) angle(at);
    for (Index m = 0; m < M; m++) row(m);
  } else {
    parallelFor(count, angle);
    parallelFor(M, row);
  }
}

void rotary(Type type, Index M, Index heads, Index turned, Index Dh, const int32_t* positions, const Rotation& rotation,
            bool inverse, const void* x, void* y) {
  if (M == 0) return;
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    turn(M, heads, turned, Dh, positions, rotation, inverse, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

} // namespace ILF_NS
} // namespace ilf
