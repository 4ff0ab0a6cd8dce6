// Taking turns: warps of many blocks add to the same numbers in the device's memory, in an order that is always the same, so
// that the sums are, too. Whoever is next finds its number in a counter, which whoever was before it has set.
//
// A block may only wait for blocks that have begun, as those of a lower ticket have: blocks that have not might not begin
// before it ends.
#pragma once
#include "device.h"

namespace ilf::cuda {

// The number of this block in the order in which blocks began. All of its threads must take part, once.
__device__ __forceinline__ int takeTicket(int* tickets) {
  __shared__ int mine;
  if (threadIdx.x == 0) mine = atomicAdd(tickets, 1);
  __syncthreads();
  const int ticket = mine;
#ifdef ILF_EMULATED
  emulated::runTogether();
#endif
  return ticket;
}

// By a warp: waits until the counter is `number`. What was written before endTurn is then seen, if not by way of an older copy
// in the first-level cache: read it by __ldcg.
__device__ __forceinline__ void waitForTurn(const int* counter, int number) {
  if (threadIdx.x % 32 == 0) {
    while (*reinterpret_cast<const volatile int*>(counter) != number) __nanosleep(32);
    __threadfence();
  }
  __syncwarp();
}

// By a warp, after what its threads wrote: the turn is the next one's.
__device__ __forceinline__ void endTurn(int* counter, int number) {
  __syncwarp();
  if (threadIdx.x % 32 == 0) {
    __threadfence();
    *reinterpret_cast<volatile int*>(counter) = number + 1;
  }
}

} // namespace ilf::cuda
