// Kernels that start while the one before them in the stream still runs ("programmatic dependent launch", Hopper and later):
// a chain of short kernels then pays for starting each only once, and each reads what does not depend on the others, its
// weights, before it waits.
#pragma once
#include "device.h"

namespace ilf::cuda {

// Whether GPU and driver can do so, in graphs too, and it is not turned off (switches.h). The first call waits for the device.
bool overlaps();

// As launch(), for a kernel that calls waitForPrevious().
template <class... P, class... A>
void launchEarly(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, A&&... arguments) {
#if defined(ILF_EMULATED)
  if (overlaps() && grid.x > 0 && grid.y > 0 && grid.z > 0) {
    std::tuple<P...> kept(std::forward<A>(arguments)...);
    check(emulated::launch(grid, block, shared, [kernel, kept] { std::apply(kernel, kept); }, true), "launching a kernel");
    return;
  }
#elif CUDART_VERSION >= 12030
  if (overlaps()) {
    allowShared(reinterpret_cast<const void*>(kernel), shared);
    cudaLaunchAttribute early = {};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared;
    config.stream = stream();
    config.attrs = &early;
    config.numAttrs = 1;
    std::tuple<P...> kept(std::forward<A>(arguments)...);
    std::apply(
        [&](auto&... each) {
          void* pointers[] = {&each...};
          check(cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(kernel), pointers), "launching a kernel");
        },
        kept);
    return;
  }
#endif
  launch(kernel, grid, block, shared, std::forward<A>(arguments)...);
}

#if defined(__CUDACC__) || defined(ILF_EMULATED)

// Lets the next kernel start as soon as every block of this one has come here (or ended).
__device__ __forceinline__ void letNextStart() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// Returns when all kernels before this one are done. Until then nothing may be read that they write, and nothing written. All
// threads must call it, even those with nothing to do: only then is a kernel's end the end of all before it.
__device__ __forceinline__ void waitForPrevious() {
#if defined(ILF_EMULATED)
  emulated::waitForPrevious();
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Brings the 128 bytes at p into the second-level cache.
__device__ __forceinline__ void prefetch(const void* p) {
#if defined(__CUDA_ARCH__)
  asm volatile("prefetch.global.L2 [%0];" ::"l"(p));
#else
  static_cast<void>(p);
#endif
}

#endif

} // namespace ilf::cuda
