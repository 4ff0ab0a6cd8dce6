#include "device.h"

#include <math.h>
#include <string.h>

#include <new>
#include <stdexcept>
#include <string>

namespace ilf::cuda {
namespace {

struct Device {
  cudaStream_t stream = nullptr;
  cudaMemPool_t pool = nullptr;
  int multiprocessors = 0;
  size_t memory = 0;
  // Pinned memory through which uploads pass, so that they need not wait for the stream: two halves, used in turn when
  // what was copied from them before is done.
  unsigned char* halves[2] = {};
  cudaEvent_t passed[2] = {};
  int half = 0;
  cudaEvent_t mark = nullptr;
  size_t used = 0;
};

constexpr size_t kHalf = 4 << 20;

Device& device() {
  static Device d = [] {
    Device made;
    check(cudaStreamCreateWithFlags(&made.stream, cudaStreamNonBlocking), "creating a stream");
    check(cudaDeviceGetDefaultMemPool(&made.pool, 0), "the device's memory pool");
    uint64_t keep = UINT64_MAX; // memory that is given back stays with the pool
    check(cudaMemPoolSetAttribute(made.pool, cudaMemPoolAttrReleaseThreshold, &keep), "the memory pool's threshold");
    check(cudaDeviceGetAttribute(&made.multiprocessors, cudaDevAttrMultiProcessorCount, 0), "the device's attributes");
    size_t unused = 0;
    check(cudaMemGetInfo(&unused, &made.memory), "the device's memory");
    for (int i = 0; i < 2; i++) {
      check(cudaMallocHost(reinterpret_cast<void**>(&made.halves[i]), kHalf), "pinned memory");
      check(cudaEventCreateWithFlags(&made.passed[i], cudaEventDisableTiming), "creating an event");
    }
    check(cudaEventCreateWithFlags(&made.mark, cudaEventDisableTiming), "creating an event");
    return made;
  }();
  return d;
}

// `bytes` of pinned memory that nothing reads any more.
unsigned char* pinned(Device& d, size_t bytes) {
  d.used = (d.used + 15) / 16 * 16;
  if (d.used + bytes > kHalf) {
    check(cudaEventRecord(d.passed[d.half], d.stream), "recording an event");
    d.half = 1 - d.half;
    d.used = 0;
    check(cudaEventSynchronize(d.passed[d.half]), "waiting for an upload");
  }
  unsigned char* space = d.halves[d.half] + d.used;
  d.used += bytes;
  return space;
}

} // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError(); // it does not stay
    throw std::bad_alloc();
  }
  throw std::runtime_error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
}

cudaStream_t stream() { return device().stream; }
int multiprocessors() { return device().multiprocessors; }
size_t totalMemory() { return device().memory; }

// Static and dynamic shared memory count together. No kernel has more of the former (tests/kernels/cuda-limits.test.ts).
constexpr size_t kMostStatic = 32 * 1024;

void allowShared(const void* kernel, size_t bytes) {
#ifdef ILF_EMULATED
  static_cast<void>(kernel);
  static_cast<void>(bytes);
#else
  if (bytes > 48 * 1024 - kMostStatic)
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
          "a kernel's shared memory");
#endif
}

void* allocate(size_t bytes) {
  void* memory = nullptr;
  check(cudaMallocAsync(&memory, bytes, stream()), "allocating memory");
  return memory;
}

// Called by destructors: an error here shows at the next operation.
void release(void* memory) {
  if (memory) cudaFreeAsync(memory, stream());
}

void upload(void* to, const void* from, size_t bytes) {
  if (bytes == 0) return;
  Device& d = device();
  if (bytes > kHalf / 4) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, d.stream), "copying to the device");
    check(cudaStreamSynchronize(d.stream), "copying to the device");
    return;
  }
  unsigned char* space = pinned(d, bytes);
  memcpy(space, from, bytes);
  check(cudaMemcpyAsync(to, space, bytes, cudaMemcpyHostToDevice, d.stream), "copying to the device");
}

void download(void* to, const void* from, size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream()), "copying from the device");
  check(cudaStreamSynchronize(stream()), "waiting for the device");
}

void mark() { check(cudaEventRecord(device().mark, stream()), "recording an event"); }

bool passed() {
  const cudaError_t status = cudaEventQuery(device().mark);
  if (status == cudaErrorNotReady) return false;
  check(status, "waiting for the device");
  return true;
}

void fill(void* to, int byte, size_t bytes) {
  if (bytes > 0) check(cudaMemsetAsync(to, byte, bytes, stream()), "filling memory");
}

} // namespace ilf::cuda
