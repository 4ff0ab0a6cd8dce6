// Sums in double and in a fixed order. Of squares over arrays: a block sums a chunk, then one block sums the chunks. As fast as
// memory is read (GPUs with few double units: twice the time, still nothing of a step).
#include "sums.h"

#include <math.h>

#include "lists.h"
#include "ops.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 256, kThreadsAtEnd = 1024;

// In the block's first thread.
__device__ double sumOfBlock(double x) {
  __shared__ double parts[32];
  for (int lanes = 16; lanes > 0; lanes /= 2) x += __shfl_xor_sync(0xffffffffu, x, lanes);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  double total = 0;
  if (threadIdx.x == 0)
    for (unsigned warp = 0; warp < blockDim.x / 32; warp++) total += parts[warp];
  return total;
}

__device__ __forceinline__ double square(float x) { return static_cast<double>(x) * x; }

__global__ void chunkSquares(int arrays, const int32_t* __restrict__ first, const Index* __restrict__ lengths,
                             const float* const* __restrict__ x, double* sums) {
  const int chunk = blockIdx.x, a = arrayOfChunk(first, arrays, chunk);
  const Index begin = (chunk - first[a]) * kListChunk;
  const int n = static_cast<int>(min(kListChunk, lengths[a] - begin));
  const float* from = x[a] + begin;
  double sum = 0;
#pragma unroll 4
  for (int i = threadIdx.x; i < n / 4; i += kThreads) {
    const float4 v = reinterpret_cast<const float4*>(from)[i];
    sum += (square(v.x) + square(v.y)) + (square(v.z) + square(v.w));
  }
  for (int i = n / 4 * 4 + threadIdx.x; i < n; i += kThreads) sum += square(from[i]);
  sum = sumOfBlock(sum);
  if (threadIdx.x == 0) sums[chunk] = sum;
}

// By one block.
template <class From, class To>
__global__ void sumAll(Index n, const From* __restrict__ x, To* total) {
  double sum = 0;
#pragma unroll 4
  for (Index i = threadIdx.x; i < n; i += kThreadsAtEnd) sum += x[i];
  sum = sumOfBlock(sum);
  if (threadIdx.x == 0) *total = static_cast<To>(sum);
}

} // namespace

void sum(Index n, const float* x, float* total) { launch(sumAll<float, float>, 1, kThreadsAtEnd, 0, n, x, total); }

void sumOfSquares(Index arrays, const Index* lengths, const float* const* x, double* total) {
  const std::vector<int32_t> first = firstChunks(arrays, lengths);
  const int chunks = first.back();
  const Temporary<int32_t> starts = uploaded(first.data(), arrays + 1);
  const Temporary<Index> sizes = uploaded(lengths, arrays);
  const Temporary<const float*> list = uploaded(x, arrays);
  const Temporary<double> sums(chunks);
  launch(chunkSquares, static_cast<unsigned>(chunks), kThreads, 0, static_cast<int>(arrays), starts, sizes, list, sums);
  launch(sumAll<double, double>, 1, kThreadsAtEnd, 0, static_cast<Index>(chunks), sums, total);
}

void globalNorm(Index arrays, const Index* lengths, const float* const* x, double* norm) {
  const Temporary<double> total(1);
  sumOfSquares(arrays, lengths, x, total);
  download(norm, total, sizeof(double));
  *norm = sqrt(*norm);
}

} // namespace ilf::cuda
