// What every kernel file uses: launching, memory for the length of one operation, and numbers of either type.
//
// The sources are compiled by nvcc for GPUs, and by a C++ compiler against the headers in ../emulator/, which run the threads
// of a block one after another on the CPU: the tests on machines without a GPU. So the host's side launches by launch()
// instead of <<<>>>, dynamic shared memory comes from sharedMemory(), and warp sums from the functions below.
#pragma once
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <stdint.h>

#include <tuple>
#include <utility>

#include "../table.h"

#ifdef ILF_EMULATED
#include "../emulator/threads.h"
#endif

namespace ilf::cuda {

typedef __nv_bfloat16 bf16;

// Throws std::runtime_error naming what failed, where it did.
void check(cudaError_t status, const char* what);

// Everything runs in this stream, one operation after another.
cudaStream_t stream();

int multiprocessors();
size_t totalMemory(); // bytes of the GPU's, used or not

// Memory of one operation, in the order of the stream: it is given back when the operations enqueued so far are done.
// Throws std::bad_alloc where there is none.
void* allocate(size_t bytes);
void release(void* memory);

template <class T>
class Temporary {
 public:
  explicit Temporary(Index n) : data_(n > 0 ? static_cast<T*>(allocate(n * sizeof(T))) : nullptr) {}
  ~Temporary() { release(data_); }
  Temporary(Temporary&& other) : data_(other.data_) { other.data_ = nullptr; }
  Temporary(const Temporary&) = delete;
  operator T*() const { return data_; }

 private:
  T* data_;
};

// Copies to and from the host's memory. The former returns when `from` may be changed, the latter when `to` is filled.
void upload(void* to, const void* from, size_t bytes);
void download(void* to, const void* from, size_t bytes);
void fill(void* to, int byte, size_t bytes); // cudaMemset

// Marks this point in the stream; whether the stream has passed the last mark.
void mark();
bool passed();

template <class T>
Temporary<T> uploaded(const T* host, Index n) {
  Temporary<T> copy(n);
  upload(copy, host, n * sizeof(T));
  return copy;
}

// Lets a kernel have so many bytes of dynamic shared memory: more than 48 KB, with what it has of its own, must be asked for.
void allowShared(const void* kernel, size_t bytes);

// Enqueues a kernel; an empty grid does nothing. shared: bytes of dynamic shared memory.
template <class... P, class... A>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, A&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
#ifdef ILF_EMULATED
  std::tuple<P...> kept(std::forward<A>(arguments)...);
  check(emulated::launch(grid, block, shared, [kernel, kept] { std::apply(kernel, kept); }, false), "launching a kernel");
#else
  allowShared(reinterpret_cast<const void*>(kernel), shared);
  std::tuple<P...> kept(std::forward<A>(arguments)...);
  std::apply(
      [&](auto&... each) {
        void* pointers[] = {&each...};
        check(cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, pointers, shared, stream()),
              "launching a kernel");
      },
      kept);
#endif
}

inline unsigned blocksFor(Index n, Index each) { return static_cast<unsigned>((n + each - 1) / each); }

// f(T()) with the type that activations are stored in.
template <class F>
void withType(Type type, F f) {
  if (type == kFloat32) f(float());
  else f(bf16());
}

// --- On the device.
#if defined(__CUDACC__) || defined(ILF_EMULATED)

template <class T>
__device__ T* sharedMemory() {
#ifdef ILF_EMULATED
  return static_cast<T*>(emulated::sharedMemory());
#else
  extern __shared__ __align__(16) unsigned char bytes[];
  return reinterpret_cast<T*>(bytes);
#endif
}

__device__ __forceinline__ float toFloat(float x) { return x; }
__device__ __forceinline__ float toFloat(bf16 x) { return __bfloat162float(x); }
template <class T>
__device__ __forceinline__ T fromFloat(float x);
template <>
__device__ __forceinline__ float fromFloat<float>(float x) { return x; }
template <>
__device__ __forceinline__ bf16 fromFloat<bf16>(float x) { return __float2bfloat16_rn(x); }

// 16 bytes of numbers, read or written by one instruction; the address must be a multiple of 16.
template <class T>
struct alignas(16) Pack {
  static constexpr int kLength = 16 / sizeof(T);
  T at[kLength];
};

// Sum and largest over the 32 threads of a warp, in every thread of it. All of its threads must take part.
__device__ __forceinline__ float warpSum(float x) {
#ifdef ILF_EMULATED
  return emulated::warpReduce(x, [](float a, float b) { return a + b; });
#else
  for (int lanes = 16; lanes > 0; lanes /= 2) x += __shfl_xor_sync(0xffffffffu, x, lanes);
  return x;
#endif
}
__device__ __forceinline__ float warpMax(float x) {
#ifdef ILF_EMULATED
  return emulated::warpReduce(x, [](float a, float b) { return a > b ? a : b; });
#else
  for (int lanes = 16; lanes > 0; lanes /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, lanes));
  return x;
#endif
}

// The same over a block of at most 1,024 threads, a multiple of 32, in every thread of it.
template <class F>
__device__ __forceinline__ float blockReduce(float x, float neutral, F warp) {
  __shared__ float parts[32];
  const int lane = threadIdx.x % 32, number = threadIdx.x / 32, warps = (blockDim.x + 31) / 32;
  x = warp(x);
  if (warps == 1) return x;
  __syncthreads(); // the last call's parts have been read
  if (lane == 0) parts[number] = x;
  __syncthreads();
  return warp(lane < warps ? parts[lane] : neutral);
}
__device__ __forceinline__ float blockSum(float x) {
  return blockReduce(x, 0.f, [](float v) { return warpSum(v); });
}
__device__ __forceinline__ float blockMax(float x) {
  return blockReduce(x, -INFINITY, [](float v) { return warpMax(v); });
}

#endif

} // namespace ilf::cuda
