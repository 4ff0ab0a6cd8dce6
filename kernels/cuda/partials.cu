#include "partials.h"

namespace ilf::cuda {
namespace {

// A block's columns, and how many parts it reads at once: of the 256 that a training step's 65,536 rows give, each thread adds
// up 8, instead of one thread all of them, one after another.
constexpr int kColumns = 32, kPartsAtOnce = 32;

__global__ void __launch_bounds__(kColumns * kPartsAtOnce)
    sumColumns(Index parts, Index N, const float* __restrict__ partial, Index split, float* a, float* b) {
  __shared__ float sums[kPartsAtOnce][kColumns];
  const Index j = static_cast<Index>(blockIdx.x) * kColumns + threadIdx.x;
  float sum = 0;
  if (j < N)
#pragma unroll 4
    for (Index p = threadIdx.y; p < parts; p += kPartsAtOnce) sum += partial[p * N + j];
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || j >= N) return;
  float total = 0;
  for (int p = 0; p < kPartsAtOnce; p++) total += sums[p][threadIdx.x];
  if (j < split) a[j] = total;
  else if (b) b[j - split] = total;
}

} // namespace

void sumPartials(Index parts, Index N, const float* partial, Index split, float* a, float* b) {
  launch(sumColumns, blocksFor(N, kColumns), dim3(kColumns, kPartsAtOnce), 0, parts, N, partial, split, a, b);
}

} // namespace ilf::cuda
