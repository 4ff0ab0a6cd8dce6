// Tiles of rows of D bfloat16 in shared memory for Hopper's products (wgmma.h): panels of 64 columns, [D / 64,rows,64], each as
// attention_tiles.h lays a tile of D = 64 out.
#pragma once
#include "attention_tiles.h"
#include "wgmma.h"

namespace ilf::cuda {

constexpr int kGroup = 128; // threads of a warpgroup

// Requests rows [first, first + kRows) of a head, x [T] of Dh numbers, ld numbers apart. What lies beyond T and Dh is 0.
template <int D, int kRows, int kThreads>
__device__ __forceinline__ void loadPanels(bf16* tile, const bf16* x, int ld, int first, int T, int Dh) {
#pragma unroll
  for (int panel = 0; panel < D / 64; panel++)
    loadTile<64, kRows, kThreads>(tile + panel * kRows * 64, x + panel * 64, ld, first, T, Dh - panel * 64);
}

// Descriptors of a tile of kRows rows, from row `row` on, a multiple of 8. Eight rows are 1,024 bytes, all that a descriptor's
// stride says; beyond a panel's 64 columns is the next panel.
//
// Columns [16k, 16k + 16) as what a product sums over: of rows that are its rows or columns.
template <int kRows>
__device__ __forceinline__ uint64_t columnsOf(const bf16* tile, int row, int k) {
  return matrixDescriptor(sharedAddress(tile) + (k / 4 * kRows + row) * 128 + k % 4 * 32, 16, 1024); // the 16 is not used
}
// Rows [row, row + 16) as what a product sums over, Transposed, of its columns, which are the tile's from panel `panel` on.
template <int kRows>
__device__ __forceinline__ uint64_t rowsOf(const bf16* tile, int row, int panel = 0) {
  return matrixDescriptor(sharedAddress(tile) + (panel * kRows + row) * 128, kRows * 128, 1024);
}

// Sums [64,8·kN] of a warpgroup, rounded to the left operand of a product over their columns: a lane holds the very elements
// of both.
template <int kN>
__device__ __forceinline__ void roundToLeft(unsigned (&a)[kN / 2][4], const float (&c)[kN][4]) {
#pragma unroll
  for (int i = 0; i < 2 * kN; i++) {
    const float* pair = c[i / 4 * 2 + i % 4 / 2] + 2 * (i % 2);
    a[i / 4][i % 4] = packBf16(pair[0], pair[1]);
  }
}

} // namespace ilf::cuda
