// Sums of squares in double, in blocks of fixed length: the same for any number of threads.
#include "../runtime/pool.h"
#include "ops.h"

namespace ilf {
namespace ILF_NS {

void sumSquares(Index n, const float* x, double* sums) {
  typedef double Wide __attribute__((vector_size(8 * VL)));
  const Index blocks = (n + kNormBlock - 1) / kNormBlock;
  const auto block = [&](Index b) {
    const Index from = b * kNormBlock, to = least(n, from + kNormBlock);
    Wide sum = {};
    for (Index j = from; j < to; j += VL) {
      const Wide v = __builtin_convertvector(loadUpTo(x + j, to - j), Wide);
      sum += v * v;
    }
    double total = 0;
    for (int i = 0; i < VL; i++) total += sum[i];
    sums[b] = total;
  };
  if (n < 262144)
    for (Index b = 0; b < blocks; b++) block(b);
  else parallelFor(blocks, block);
}

} // namespace ILF_NS
} // namespace ilf
