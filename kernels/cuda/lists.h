// One launch over a list of arrays: they are cut into chunks, a block for each.
#pragma once
#include <vector>

#include "device.h"

namespace ilf::cuda {

constexpr Index kListChunk = 1 << 14;

// The number of each array's first chunk, and at the end how many there are.
inline std::vector<int32_t> firstChunks(Index arrays, const Index* lengths) {
  std::vector<int32_t> first(arrays + 1);
  for (Index a = 0; a < arrays; a++) first[a + 1] = first[a] + static_cast<int32_t>(blocksFor(lengths[a], kListChunk));
  return first;
}

#if defined(__CUDACC__) || defined(ILF_EMULATED)

// The array that a chunk is of, by bisection (some 8 dependent reads for a chunk of 16,384 numbers).
__device__ __forceinline__ int arrayOfChunk(const int32_t* first, int arrays, int chunk) {
  int low = 0, high = arrays; // first[low] <= chunk < first[high]
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (first[middle] <= chunk) low = middle;
    else high = middle;
  }
  return low;
}

#endif

} // namespace ilf::cuda
