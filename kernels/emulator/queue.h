// What is enqueued in a stream: it runs later, in its order, or is kept by the graph that is being captured.
#pragma once
#include <cuda_runtime.h>

#include <functional>

namespace ilf::emulated {

void enqueue(std::function<void()> work);
bool isCapturing();

// A kernel waits until the next is launched, which may start early: everything else runs when it is done.
void enqueueKernel(std::function<void()> run);
void finishKernels();

// What a launch returns: an error from the first on that runs in the function that ILF_EMULATED_FAULT names (as JavaScript
// calls it), since a GPU's context is lost then. In that of ILF_EMULATED_CRASH the process ends. lost(): what all else returns.
cudaError_t launching();
cudaError_t lost();

} // namespace ilf::emulated
