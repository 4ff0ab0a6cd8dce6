// The host's side of CUDA's runtime, emulated: see threads.h.
#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "queue.h"

namespace ilf {
extern const char* running; // ../binding/function.h
}

struct EmulatedEvent {
  size_t after = 0; // so many pieces of work
};

struct EmulatedGraph {
  std::vector<std::function<void()>> work;
  std::vector<std::shared_ptr<void>> memory; // allocated while it was captured: always at the same place
};

namespace ilf::emulated {
namespace {
EmulatedGraph* capturing = nullptr;
std::map<void*, std::pair<void*, size_t>> allocations; // data: mapping and its length
size_t inUse = 0, mostInUse = 0;

// What has been enqueued runs when the host waits for it, or when too much waits: so memory of the host that is changed, or
// read, too early shows.
constexpr size_t kMostWaiting = 512;
std::deque<std::function<void()>> queue;
size_t enqueued = 0, done = 0;

void runUpTo(size_t last) {
  for (; done < last; done++) {
    const std::function<void()> work = std::move(queue.front());
    queue.pop_front();
    work();
  }
}
} // namespace

bool isCapturing() { return capturing; }

void enqueueKernel(std::function<void()> run) {
  if (capturing) return capturing->work.push_back(std::move(run));
  queue.push_back(std::move(run));
  enqueued++;
  if (queue.size() > kMostWaiting) runUpTo(done + 1);
}

void enqueue(std::function<void()> work) {
  enqueueKernel([work] {
    finishKernels();
    work();
  });
}

static const char* variable(const char* value) { return value ? value : ""; }
static const char* const fault = variable(getenv("ILF_EMULATED_FAULT"));
static const char* const crash = variable(getenv("ILF_EMULATED_CRASH"));
static const char* const gpu = variable(getenv("ILF_EMULATED_GPU")); // none, no-driver, old-driver, no-graphs
static bool isLost = false;

cudaError_t launching() {
  if (running && strcmp(running, fault) == 0) isLost = true;
  if (running && strcmp(running, crash) == 0) abort();
  return lost();
}
cudaError_t lost() { return isLost ? cudaErrorIllegalAddress : cudaSuccess; }

// The host waits for the first pieces of work that were enqueued.
static cudaError_t waitUpTo(size_t last) {
  runUpTo(last);
  finishKernels();
  return lost();
}

} // namespace ilf::emulated

using namespace ilf::emulated;

const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    default: return "an error";
  }
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaGetDeviceCount(int* n) {
  const bool unseen = strcmp(gpu, "none") == 0;
  const bool undriven = strcmp(gpu, "no-driver") == 0 || strcmp(gpu, "old-driver") == 0;
  *n = unseen || undriven ? 0 : 1;
  if (unseen) return cudaErrorNoDevice;
  return undriven ? cudaErrorInsufficientDriver : cudaSuccess; // CUDA says so where there is no driver, too
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  *p = {};
  snprintf(p->name, sizeof p->name, "emulated on the CPU");
  p->major = 9;
  p->multiProcessorCount = 2;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = 2; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 227 * 1024; break;
    case cudaDevAttrL2CacheSize: *value = 50 << 20; break;
    default: *value = 0; // clocks and the bus: not known
  }
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* v) {
  *v = strcmp(gpu, "no-driver") == 0 ? 0 : strcmp(gpu, "old-driver") == 0 ? 11080 : 13000;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* v) { *v = 13000; return cudaSuccess; }
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) { *free = *total = size_t(8) << 30; return cudaSuccess; }
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) { *pool = nullptr; return cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void* value) {
  waitUpTo(enqueued); // memory may be given back
  *static_cast<uint64_t*>(value) = attribute == cudaMemPoolAttrUsedMemHigh ? mostInUse : inUse;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned) { *s = nullptr; return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return waitUpTo(enqueued); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) { *e = new EmulatedEvent; return cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t e) { delete e; return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t) { e->after = enqueued; return lost(); }
cudaError_t cudaEventSynchronize(cudaEvent_t e) { return waitUpTo(e->after); }
cudaError_t cudaEventQuery(cudaEvent_t e) { return waitUpTo(e->after); }

// Ends where a page begins that cannot be touched; filled with NaN, of either type.
cudaError_t cudaMalloc(void** memory, size_t bytes) {
  if (lost() != cudaSuccess) return lost();
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), kept = (bytes + 15) / 16 * 16;
  const size_t pages = (kept + page - 1) / page * page;
  void* mapping = mmap(nullptr, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return cudaErrorMemoryAllocation;
  unsigned char* end = static_cast<unsigned char*>(mapping) + pages;
  mprotect(end, page, PROT_NONE);
  *memory = end - kept;
  memset(*memory, 0xff, kept);
  allocations[*memory] = {mapping, pages + page};
  inUse += kept;
  if (inUse > mostInUse) mostInUse = inUse;
  return cudaSuccess;
}
static cudaError_t release(void* memory) {
  finishKernels();
  const auto at = allocations.find(memory);
  if (at == allocations.end()) {
    fprintf(stderr, "emulated CUDA: memory is freed that was not allocated, or was freed before\n");
    abort();
  }
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  inUse -= static_cast<unsigned char*>(at->second.first) + at->second.second - page - static_cast<unsigned char*>(memory);
  munmap(at->second.first, at->second.second);
  allocations.erase(at);
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  if (!memory) return cudaSuccess;
  waitUpTo(enqueued);
  return release(memory);
}
cudaError_t cudaMallocAsync(void** memory, size_t bytes, cudaStream_t) {
  if (capturing) {
    const cudaError_t status = cudaMalloc(memory, bytes);
    if (status == cudaSuccess) capturing->memory.emplace_back(*memory, [](void* p) { release(p); });
    return status;
  }
  return cudaMalloc(memory, bytes);
}
cudaError_t cudaFreeAsync(void* memory, cudaStream_t) {
  if (capturing)
    for (const auto& own : capturing->memory)
      if (own.get() == memory) return cudaSuccess; // the graph's
  enqueue([=] { release(memory); });
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  *memory = malloc(bytes);
  return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFreeHost(void* memory) {
  free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  if (lost() != cudaSuccess) return lost();
  enqueue([=] { memmove(to, from, bytes); });
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int byte, size_t bytes, cudaStream_t) {
  if (lost() != cudaSuccess) return lost();
  enqueue([=] { memset(to, byte, bytes); });
  return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  capturing = new EmulatedGraph;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  *graph = capturing;
  capturing = nullptr;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* run, cudaGraph_t graph, unsigned long long) {
  if (strcmp(gpu, "no-graphs") == 0) return cudaErrorInvalidValue;
  *run = new EmulatedGraph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t) {
  if (lost() != cudaSuccess) return lost();
  enqueueKernel([kept = *graph] { for (const auto& work : kept.work) work(); });
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete graph;
  return cudaSuccess;
}
