// What Hopper's tensor cores need, as PTX has it ("Asynchronous Warpgroup Level Matrix Multiply-Accumulate Instructions"):
// products of 64 x 16 by 16 x N numbers by a warpgroup, four warps that begin at a multiple of four. Its operands are matrices
// in shared memory, named by descriptors, the left one also registers; it goes on while the threads compute. All 128 threads
// must take part in all of it. For sm_90a alone: elsewhere these functions stop the program, and nobody calls them.
//
// Which lane of warp w of the four holds what ("Register Fragments": "Matrix Fragments for wgmma.mma_async.m64nNk16"), with
// g = lane / 4, t = lane % 4: of rows [16w, 16w + 16) what it would hold for mma.m16n8k16 (mma.h):
//   a [64,16]: a[0] (16w+g, 2t..) a[1] (16w+g+8, 2t..) a[2] (16w+g, 2t+8..) a[3] (16w+g+8, 2t+8..)
//   c [64,N]:  c[n][0], c[n][1] (16w+g, 8n+2t..) c[n][2], c[n][3] (16w+g+8, 8n+2t..)
//
// Matrices in shared memory are tiles of rows of 64 bfloat16, 128 bytes, which begin at multiples of 1,024 bytes, in the
// "128-byte swizzle": a piece of 16 bytes is where tileOffset<64> (attention_tiles.h) says.
// ../emulator/wgmma.h has the same for the CPU; tests/kernels/cuda-wgmma.cc holds it against the documents' layouts.
#pragma once
#include "mma.h"

namespace ilf::cuda {

// "Matrix Descriptor Format": where the matrix begins, two distances in bytes, and the kind of swizzle in bits 62 and 63, 1 for
// 128 bytes.
__device__ __forceinline__ uint64_t matrixDescriptor(unsigned address, unsigned leading, unsigned stride) {
  const auto encoded = [](unsigned bytes) { return static_cast<uint64_t>((bytes & 0x3ffff) >> 4); };
  return encoded(address) | encoded(leading) << 16 | encoded(stride) << 32 | static_cast<uint64_t>(1) << 62;
}

} // namespace ilf::cuda

#ifdef ILF_EMULATED
#include "../emulator/wgmma.h"
#else

namespace ilf::cuda {

// Dynamic shared memory that begins at a multiple of 1,024.
__device__ __forceinline__ bf16* swizzledMemory() {
  extern __shared__ __align__(1024) unsigned char alignedBytes[];
  return reinterpret_cast<bf16*>(alignedBytes);
}

// Keeps the compiler from moving what is done with registers past here.
__device__ __forceinline__ void pin(float& x) { asm volatile("" : "+f"(x)::"memory"); }
__device__ __forceinline__ void pin(unsigned& x) { asm volatile("" : "+r"(x)::"memory"); }
template <class E, int kLength>
__device__ __forceinline__ void pin(E (&x)[kLength]) {
#pragma unroll
  for (int i = 0; i < kLength; i++) pin(x[i]);
}

// "wgmma.fence": before products, what was done with the registers that they use is done.
template <class... E>
__device__ __forceinline__ void beginProducts(E&... registers) {
  (pin(registers), ...);
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#else
  __trap();
#endif
}
// "wgmma.commit_group": makes a group of the products since the last call.
__device__ __forceinline__ void commitProducts() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
// "wgmma.wait_group": waits until at most kPending of the last groups are under way; registers: what the others used.
template <int kPending, class... E>
__device__ __forceinline__ void waitForProducts(E&... registers) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
#endif
  (pin(registers), ...);
}

// "Async proxy", "fence.proxy": what this thread wrote to shared memory is there for products, after a barrier those of other
// threads, too.
__device__ __forceinline__ void showToProducts() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

// wgmma.mma_async has its sums as separate operands, so each size is written out.
#define ILF_SUMS(n) "+f"(c[n][0]), "+f"(c[n][1]), "+f"(c[n][2]), "+f"(c[n][3])
#define ILF_SUMS_4 ILF_SUMS(0), ILF_SUMS(1), ILF_SUMS(2), ILF_SUMS(3)
#define ILF_SUMS_8 ILF_SUMS_4, ILF_SUMS(4), ILF_SUMS(5), ILF_SUMS(6), ILF_SUMS(7)
#define ILF_SUMS_16                                                                                                   \
  ILF_SUMS_8, ILF_SUMS(8), ILF_SUMS(9), ILF_SUMS(10), ILF_SUMS(11), ILF_SUMS(12), ILF_SUMS(13), ILF_SUMS(14), ILF_SUMS(15)
#define ILF_D_4 "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15"
#define ILF_D_8 ILF_D_4 ",%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define ILF_D_16                                                                                                      \
  ILF_D_8 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57," \
          "%58,%59,%60,%61,%62,%63"
// n: 8·kN, d and sums: its operands, i0..: the numbers of those after them.
#define ILF_PRODUCT_OF_REGISTERS(n, d, sums, i0, i1, i2, i3, i4, i5, i6)                                              \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %" i5 ", 0;\n"                                                          \
               "wgmma.mma_async.sync.aligned.m64n" n "k16.f32.bf16.bf16 {" d "}, {%" i0 ",%" i1 ",%" i2 ",%" i3       \
               "}, %" i4 ", p, 1, 1, %" i6 ";}\n"                                                                     \
               : sums                                                                                                 \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"(kTransposedB ? 1 : 0))
#define ILF_PRODUCT_OF_MATRICES(n, d, sums, i0, i1, i2, i3, i4)                                                       \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %" i2 ", 0;\n"                                                          \
               "wgmma.mma_async.sync.aligned.m64n" n "k16.f32.bf16.bf16 {" d "}, %" i0 ", %" i1 ", p, 1, 1, %" i3     \
               ", %" i4 ";}\n"                                                                                        \
               : sums                                                                                                 \
               : "l"(a), "l"(b), "r"(add), "n"(kTransposedA ? 1 : 0), "n"(kTransposedB ? 1 : 0))

// "wgmma.mma_async": c [64,8·kN] = a · b, or where `add` is not 0, += it. a: registers, or a matrix in shared memory; b: one
// there. The 16 that products sum over lie along a matrix' rows of 128 bytes ("K-major"), or, Transposed, across them
// ("MN-major").
template <bool kTransposedB, int kN>
__device__ __forceinline__ void productAsync(float (&c)[kN][4], const unsigned (&a)[4], uint64_t b, int add) {
  static_assert(kN == 8 || kN == 16, "64 or 128 columns");
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  if constexpr (kN == 8) ILF_PRODUCT_OF_REGISTERS("64", ILF_D_8, ILF_SUMS_8, "32", "33", "34", "35", "36", "37", "38");
  else ILF_PRODUCT_OF_REGISTERS("128", ILF_D_16, ILF_SUMS_16, "64", "65", "66", "67", "68", "69", "70");
#endif
}
template <bool kTransposedA, bool kTransposedB, int kN>
__device__ __forceinline__ void productAsync(float (&c)[kN][4], uint64_t a, uint64_t b, int add) {
  static_assert(kN == 8 || kN == 16, "64 or 128 columns");
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  if constexpr (kN == 8) ILF_PRODUCT_OF_MATRICES("64", ILF_D_8, ILF_SUMS_8, "32", "33", "34", "35", "36");
  else ILF_PRODUCT_OF_MATRICES("128", ILF_D_16, ILF_SUMS_16, "64", "65", "66", "67", "68");
#endif
}

#undef ILF_SUMS
#undef ILF_SUMS_4
#undef ILF_SUMS_8
#undef ILF_SUMS_16
#undef ILF_D_4
#undef ILF_D_8
#undef ILF_D_16
#undef ILF_PRODUCT_OF_REGISTERS
#undef ILF_PRODUCT_OF_MATRICES

} // namespace ilf::cuda

#endif
