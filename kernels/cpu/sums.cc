// Sums in double, in a fixed order: the same for any number of threads.
#include <math.h>

#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {

namespace {

constexpr Index kBlock = 16384;

// As many doubles as fill a vector, and the floats they come from.
typedef double Wide __attribute__((vector_size(4 * VL)));
typedef float Narrow __attribute__((vector_size(2 * VL), aligned(4), may_alias));

// One sum for each block of fixed length.
void sumSquares(Index n, const float* x, double* sums) {
  const Index blocks = (n + kBlock - 1) / kBlock;
  const auto block = [&](Index b) {
    const Index from = b * kBlock, to = least(n, from + kBlock);
    Wide sum[2] = {};
    Index j = from;
    for (; j + VL <= to; j += VL)
      for (int half = 0; half < 2; half++) {
        const Wide v = __builtin_convertvector(*reinterpret_cast<const Narrow*>(x + j + half * VL / 2), Wide);
        sum[half] += v * v;
      }
    double total = 0;
    for (; j < to; j++) total += static_cast<double>(x[j]) * x[j];
    for (int i = 0; i < VL; i++) total += sum[i / (VL / 2)][i % (VL / 2)];
    sums[b] = total;
  };
  if (n < 262144)
    for (Index b = 0; b < blocks; b++) block(b);
  else parallelFor(blocks, block);
}

} // namespace

void sum(Index n, const float* x, float* total) {
  double sum = 0;
  for (Index i = 0; i < n; i++) sum += x[i];
  *total = static_cast<float>(sum);
}

void globalNorm(Index arrays, const Index* lengths, const float* const* x, double* norm) {
  double total = 0;
  for (Index a = 0; a < arrays; a++) {
    const Index blocks = (lengths[a] + kBlock - 1) / kBlock;
    double* sums = reinterpret_cast<double*>(scratch(kOp0, 2 * blocks));
    sumSquares(lengths[a], x[a], sums);
    for (Index b = 0; b < blocks; b++) total += sums[b];
  }
  *norm = sqrt(total);
}

} // namespace ILF_NS
} // namespace ilf
