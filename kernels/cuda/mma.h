// What tensor cores need, as PTX has it: products of 16 x 16 by 16 x 8 numbers by a warp, loads of their fragments from
// shared memory, and copies to there that go on while the threads compute. For Ampere (sm_80) and later. All 32 lanes must
// take part in mma16816 and ldmatrix4.
//
// Which lane holds what (PTX ISA, "Matrix Fragments for mma.m16n8k16", "ldmatrix"), with g = lane / 4, t = lane % 4; a
// register holds two bfloat16, the first in its lower half:
//   a [16,16]: a[0] (g, 2t..) a[1] (g+8, 2t..) a[2] (g, 2t+8..) a[3] (g+8, 2t+8..)
//   b [16,8]:  b[0] (2t.., g) b[1] (2t+8.., g)
//   c [16,8]:  c[0], c[1] (g, 2t..) c[2], c[3] (g+8, 2t..)
// ../emulator/mma.h has the same for the CPU; tests/kernels/cuda-mma.test.ts holds it against the documents' tables.
#pragma once
#include "device.h"

#ifdef ILF_EMULATED
#include "../emulator/mma.h"
#else

namespace ilf::cuda {

__device__ __forceinline__ unsigned sharedAddress(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

// c += a · b, of bfloat16, in float32.
__device__ __forceinline__ void mma16816(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Four matrices of 8 x 8 bfloat16 from shared memory, matrix i into ri: lanes 8i..8i+7 give the addresses of its rows, of
// 16 bytes each. Lane gets (g, 2t..), and from the transposed load (2t.., g).
__device__ __forceinline__ void ldmatrix4(unsigned& r0, unsigned& r1, unsigned& r2, unsigned& r3, const bf16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r0), "=r"(r1), "=r"(r2), "=r"(r3)
               : "r"(sharedAddress(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrix4Transposed(unsigned& r0, unsigned& r1, unsigned& r2, unsigned& r3,
                                                    const bf16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r0), "=r"(r1), "=r"(r2), "=r"(r3)
               : "r"(sharedAddress(row))
               : "memory");
}

// Copies 16 bytes to shared memory past the first-level cache, or fills them with zeros, in which case nothing is read.
// Both addresses are multiples of 16.
__device__ __forceinline__ void copyAsync16(void* to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(to)), "l"(from), "r"(valid ? 16 : 0)
               : "memory");
}
// Makes a group of the copies since the last call.
__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most kPending of this thread's last groups are under way. Other threads see its copies after a barrier.
template <int kPending>
__device__ __forceinline__ void waitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// 2^x to 2 units in the last place; 0 where that is below the smallest normal number, and for -INFINITY.
__device__ __forceinline__ float exp2Fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Two numbers as bfloat16 in a register, the first in its lower half.
__device__ __forceinline__ unsigned packBf16(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return reinterpret_cast<const unsigned&>(pair);
}

} // namespace ilf::cuda

#endif
