// The part of CUDA's runtime and language that our kernels use, for emulation on the CPU (see threads.h). Meanings as in
// NVIDIA's documentation.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)
// One block runs at a time.
#define __shared__ static

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

namespace ilf::emulated {
extern dim3 threadIndex, blockIndex, blockSize, gridSize;
void syncBlock();
void letOthersRun();
void waitForOthers();
void exchange(const void* value, size_t bytes);
const void* peek(int lane);
} // namespace ilf::emulated
#define threadIdx ::ilf::emulated::threadIndex
#define blockIdx ::ilf::emulated::blockIndex
#define blockDim ::ilf::emulated::blockSize
#define gridDim ::ilf::emulated::gridSize

inline void __syncthreads() { ilf::emulated::syncBlock(); }
inline void __syncwarp(unsigned = 0xffffffffu) {
  const int nothing = 0;
  ilf::emulated::exchange(&nothing, sizeof nothing);
}
inline void __threadfence() { ilf::emulated::letOthersRun(); }
inline void __nanosleep(unsigned) { ilf::emulated::waitForOthers(); }

namespace ilf::emulated {
inline int lane() { return static_cast<int>((threadIndex.x + blockSize.x * (threadIndex.y + blockSize.y * threadIndex.z)) % 32); }
template <class T>
T shuffled(T value, int from) {
  static_assert(sizeof(T) <= 16, "a shuffled value has at most 16 bytes");
  exchange(&value, sizeof(T));
  T result;
  memcpy(&result, peek(from), sizeof(T));
  return result;
}
} // namespace ilf::emulated
template <class T>
T __shfl_sync(unsigned, T value, int from, int width = 32) {
  return ilf::emulated::shuffled(value, ilf::emulated::lane() / width * width + from % width);
}
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask, int = 32) {
  return ilf::emulated::shuffled(value, ilf::emulated::lane() ^ mask);
}
template <class T>
T __shfl_down_sync(unsigned, T value, unsigned by, int width = 32) {
  const int lane = ilf::emulated::lane(), to = lane + static_cast<int>(by);
  return ilf::emulated::shuffled(value, to / width == lane / width ? to : lane);
}
template <class T>
T __shfl_up_sync(unsigned, T value, unsigned by, int width = 32) {
  const int lane = ilf::emulated::lane(), to = lane - static_cast<int>(by);
  return ilf::emulated::shuffled(value, to >= lane / width * width ? to : lane);
}
inline unsigned __ballot_sync(unsigned, int predicate) {
  const int mine = predicate != 0;
  ilf::emulated::exchange(&mine, sizeof mine);
  unsigned bits = 0;
  for (int i = 0; i < 32; i++) {
    int each;
    memcpy(&each, ilf::emulated::peek(i), sizeof each);
    bits |= static_cast<unsigned>(each) << i;
  }
  return bits;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

template <class T, class U>
T atomicAdd(T* at, U by) { T old = *at; *at = old + static_cast<T>(by); return old; }
template <class T, class U>
T atomicMax(T* at, U by) { T old = *at; if (static_cast<T>(by) > old) *at = static_cast<T>(by); return old; }
template <class T>
T atomicCAS(T* at, T expected, T value) { T old = *at; if (old == expected) *at = value; return old; }

inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float rsqrtf(float x) { return 1.f / sqrtf(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.f / x; }
template <class T>
T __ldg(const T* at) { return *at; }
template <class T>
T __ldcg(const T* at) { return *at; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(static_cast<unsigned>(x)) : 32; }
inline int __float_as_int(float x) { int i; memcpy(&i, &x, 4); return i; }
inline float __int_as_float(int i) { float x; memcpy(&x, &i, 4); return x; }
inline unsigned __float_as_uint(float x) { unsigned i; memcpy(&i, &x, 4); return i; }
inline float __uint_as_float(unsigned i) { float x; memcpy(&x, &i, 4); return x; }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
inline int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }

// --- The host's side.
enum cudaError_t {
  cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2, cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100, cudaErrorNotReady = 600, cudaErrorIllegalAddress = 700
};
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount, cudaDevAttrMaxSharedMemoryPerBlockOptin, cudaDevAttrL2CacheSize, cudaDevAttrClockRate,
  cudaDevAttrMemoryClockRate, cudaDevAttrGlobalMemoryBusWidth
};
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold, cudaMemPoolAttrUsedMemCurrent, cudaMemPoolAttrUsedMemHigh };
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed };
enum { cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };
typedef struct EmulatedStream* cudaStream_t;
typedef struct EmulatedPool* cudaMemPool_t;
typedef struct EmulatedEvent* cudaEvent_t;
typedef struct EmulatedGraph* cudaGraph_t;
typedef struct EmulatedGraph* cudaGraphExec_t;
struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount, clockRate, memoryClockRate, memoryBusWidth, l2CacheSize;
  size_t totalGlobalMem;
};

const char* cudaGetErrorString(cudaError_t);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int*);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp*, int);
cudaError_t cudaDeviceGetAttribute(int*, cudaDeviceAttr, int);
cudaError_t cudaDriverGetVersion(int*);
cudaError_t cudaRuntimeGetVersion(int*);
cudaError_t cudaMemGetInfo(size_t*, size_t*);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t*, int);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*);
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t*, unsigned);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventQuery(cudaEvent_t);
cudaError_t cudaMalloc(void**, size_t);
cudaError_t cudaFree(void*);
cudaError_t cudaMallocAsync(void**, size_t, cudaStream_t);
cudaError_t cudaFreeAsync(void*, cudaStream_t);
cudaError_t cudaMallocHost(void**, size_t);
cudaError_t cudaFreeHost(void*);
cudaError_t cudaMemcpyAsync(void*, const void*, size_t, cudaMemcpyKind, cudaStream_t);
cudaError_t cudaMemsetAsync(void*, int, size_t, cudaStream_t);
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode);
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t*);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t*, cudaGraph_t, unsigned long long);
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t);
cudaError_t cudaGraphDestroy(cudaGraph_t);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t);
