// Token and position embeddings.
#include "../runtime/pool.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {

void embedForward(Index M, Index D, const int32_t* ids, const int32_t* positions, const float* wte, const float* wpe,
                  float* y) {
  for (Index i = 0; i < M; i++) {
    const float* token = wte + ids[i] * D;
    const float* place = wpe && positions ? wpe + positions[i] * D : nullptr;
    for (Index j = 0; j < D; j += VL) {
      Vec v = loadUpTo(token + j, D - j);
      if (place) v += loadUpTo(place + j, D - j);
      storeUpTo(y + i * D + j, v, D - j);
    }
  }
}

// A task owns some columns and goes through all rows in order: no two tasks write the same element, and the order of
// additions is fixed.
void embedBackward(Index M, Index D, Index V, Index P, const int32_t* ids, const int32_t* positions, const float* dy,
                   float* dwte, float* dwpe) {
  constexpr Index width = 32;
  const auto columns = [&](Index task) {
    const Index from = task * width, to = least(D, from + width);
    const auto scatter = [&](const int32_t* at, float* into, Index rows) {
      for (Index r = 0; r < rows; r++) memset(into + r * D + from, 0, (to - from) * sizeof(float));
      for (Index i = 0; i < M; i++) {
        float* row = into + at[i] * D;
        for (Index j = from; j < to; j += VL)
          storeUpTo(row + j, loadUpTo(row + j, to - j) + loadUpTo(dy + i * D + j, to - j), to - j);
      }
    };
    scatter(ids, dwte, V);
    if (dwpe && positions) scatter(positions, dwpe, P);
  };
  const Index tasks = (D + width - 1) / width;
  if (M * D < 32768)
    for (Index t = 0; t < tasks; t++) columns(t);
  else parallelFor(tasks, columns);
}

} // namespace ILF_NS
} // namespace ilf
