// CUDA's threads on the CPU: each thread of a block is a fiber; a barrier is a switch to the next. One block after another
// on one core, so kernels can be tested, not timed; blocks that take turns (../cuda/turns.h) run side by side, a few at a time,
// and are switched where they wait for each other and at fences. The order of threads between two barriers is turned around at every
// launch, so that a missing barrier shows; memory is filled with NaN and ends at a page that cannot be touched.
#pragma once
#include <cuda_runtime.h>

#include <functional>

namespace ilf::emulated {

// early: as with programmatic dependent launch. Its first block runs up to waitForPrevious() before the kernel ahead of it
// runs at all, so that what reads that kernel's results too early reads something else; and all threads must call it.
cudaError_t launch(dim3 grid, dim3 block, size_t shared, std::function<void()> body, bool early);
void waitForPrevious();
void* sharedMemory();

// Blocks of a kernel that run side by side at most, and all that have begun: of a kernel, and of the one ahead of it. They have
// numbers, from 0 on; the current one's.
constexpr int kBlocksAtOnce = 3, kMostBlocks = 2 * kBlocksAtOnce;
extern int blockNumber;
// From here on in this launch, blocks run side by side. __shared__ variables are all blocks' at once: none may be in use then,
// nor at a fence.
void runTogether();

void syncBlock();
// Runs as a thread of a warp: leaves 16 bytes for the others to read by peek(), and waits for them.
void exchange(const void* value, size_t bytes);
const void* peek(int lane); // lanes that ended or do not exist give their own value back
int lanesOfWarp();

// What the current exchange's values come to for the whole warp: the first lane that asks computes it.
struct Reduction {
  unsigned exchange;
  float value;
};
Reduction& reductionOfWarp();
unsigned exchangesSoFar();

template <class T>
T shuffle(T value, int lane) {
  static_assert(sizeof(T) <= 16, "a shuffled value has at most 16 bytes");
  exchange(&value, sizeof(T));
  return *static_cast<const T*>(peek(lane));
}

template <class F>
float warpReduce(float x, F combine) {
  exchange(&x, sizeof x);
  Reduction& all = reductionOfWarp();
  if (all.exchange == exchangesSoFar()) return all.value;
  // In the order of a butterfly, so that rounding is the GPU's.
  float values[32];
  const int lanes = lanesOfWarp();
  for (int i = 0; i < 32; i++) values[i] = i < lanes ? *static_cast<const float*>(peek(i)) : 0.f;
  for (int step = 16; step > 0; step /= 2)
    for (int i = 0; i < step; i++) values[i] = combine(values[i], values[i + step]);
  all = {exchangesSoFar(), values[0]};
  return values[0];
}

} // namespace ilf::emulated
