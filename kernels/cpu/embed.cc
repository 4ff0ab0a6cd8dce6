// Token and position embeddings; rows taken from a table of activations.
#include "../runtime/pool.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {
namespace {

constexpr Index kWidth = 32;      // columns of a task of scatter
constexpr Index kZeros = 1 << 16; // bytes of a task of zeroing

// into[at[i]] += dy[i], into zeroed before unless it accumulates. A task owns some columns and goes through all rows in order: no two tasks write
// the same element, and the order of additions is fixed.
template <class T, class U>
void scatter(Index M, Index D, Index rows, const int32_t* at, const T* dy, U* into, bool accumulate) {
  const Index bytes = rows * D * static_cast<Index>(sizeof(U));
  if (!accumulate)
    parallelFor((bytes + kZeros - 1) / kZeros, [&](Index task) {
      memset(reinterpret_cast<char*>(into) + task * kZeros, 0, least(kZeros, bytes - task * kZeros));
    });
  const auto columns = [&](Index task) {
    const Index from = task * kWidth, to = least(D, from + kWidth);
    for (Index i = 0; i < M; i++) {
      U* row = into + at[i] * D;
      for (Index j = from; j < to; j += VL)
        storeUpTo(row + j, loadUpTo(row + j, to - j) + loadUpTo(dy + i * D + j, to - j), to - j);
    }
  };
  const Index tasks = (D + kWidth - 1) / kWidth;
  if (M * D < 32768)
    for (Index t = 0; t < tasks; t++) columns(t);
  else parallelFor(tasks, columns);
}

} // namespace

void embedForward(Type type, Index M, Index D, const int32_t* ids, const int32_t* positions, const float* wte,
                  const float* wpe, void* y) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    T* to = static_cast<T*>(y);
    for (Index i = 0; i < M; i++) {
      const float* token = wte + ids[i] * D;
      const float* place = wpe && positions ? wpe + positions[i] * D : nullptr;
      for (Index j = 0; j < D; j += VL) {
        Vec v = loadUpTo(token + j, D - j);
        if (place) v += loadUpTo(place + j, D - j);
        storeUpTo(to + i * D + j, v, D - j);
      }
    }
  });
}

void embedBackward(Type type, Index M, Index D, Index V, Index P, const int32_t* ids, const int32_t* positions,
                   const void* dy, float* dwte, float* dwpe, bool accumulate) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    scatter(M, D, V, ids, static_cast<const T*>(dy), dwte, accumulate);
    if (dwpe) scatter(M, D, P, positions, static_cast<const T*>(dy), dwpe, accumulate);
  });
}

void gatherRows(Type type, Index M, Index D, const int32_t* rows, const void* x, void* y) {
  const Index bytes = D * (type == kFloat32 ? 4 : 2);
  for (Index i = 0; i < M; i++)
    memcpy(static_cast<char*>(y) + i * bytes, static_cast<const char*>(x) + rows[i] * bytes, bytes);
}

void scatterRows(Type type, Index M, Index D, Index rowsOfX, const int32_t* rows, const void* dy, void* dx) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    scatter(M, D, rowsOfX, rows, static_cast<const T*>(dy), static_cast<T*>(dx), false);
  });
}

} // namespace ILF_NS
} // namespace ilf
