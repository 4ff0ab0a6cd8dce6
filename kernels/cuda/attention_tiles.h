// Tiles of rows of D bfloat16 in shared memory, and a warp's products of them on tensor cores (mma.h says which lane holds
// what). A warp's rows are 16·kM, the left operand; sums are float32: float c[kM][N / 8][4] for [16·kM, N].
//
// Rows lie close together, in pieces of 16 bytes whose places within 128 bytes are permuted by the row's number, so that the
// eight rows which ldmatrix reads at a time, and the eight pieces which eight threads copy or store, are in different banks.
#pragma once
#include "mma.h"

namespace ilf::cuda {

// Over the four lanes that share a row of sums.
__device__ __forceinline__ float quadSum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}
__device__ __forceinline__ float quadMax(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

// Where piece `piece` of a row of a tile begins.
template <int D>
__device__ __forceinline__ int tileOffset(int row, int piece) {
  return row * D + 8 * (piece ^ (D == 32 ? row / 2 % 4 : row % 8));
}

// The row of a tile, and of every eighth after it, that a lane gives the address of to ldmatrix: of an even piece, or where
// `odd` is 1, of the one behind it. What depends on the lane is apart from what is known when compiling, so that one address
// serves all rows.
template <int D>
class LaneRow {
 public:
  __device__ __forceinline__ LaneRow(const bf16* tile, int row, int odd)
      : row_(tile + row * D), by_(tileOffset<D>(row, odd) / 8 % (D / 8)) {}
  __device__ __forceinline__ const bf16* at(int rows, int evenPiece) const {
    return row_ + 8 * (evenPiece ^ by_) + rows * D;
  }

 private:
  const bf16* row_;
  int by_;
};

// Requests rows [first, first + kRows) of a head, x [T] of Dh numbers, ld numbers apart. What lies beyond T and Dh is 0.
template <int D, int kRows, int kThreads>
__device__ __forceinline__ void loadTile(bf16* tile, const bf16* x, int ld, int first, int T, int Dh) {
  constexpr int kPieces = D / 8, kRowsAtOnce = kThreads / kPieces;
  static_assert(kThreads % kPieces == 0 && kRows % kRowsAtOnce == 0, "each thread copies as many pieces");
  const int piece = threadIdx.x % kPieces, row = threadIdx.x / kPieces, rows = piece * 8 < Dh ? T - first : 0;
  const bf16* from = x + static_cast<Index>(first) * ld; // is there: first < T
#pragma unroll
  for (int i = 0; i < kRows; i += kRowsAtOnce) {
    const bool valid = row + i < rows;
    copyAsync16(tile + tileOffset<D>(row + i, piece), from + (valid ? (row + i) * ld + piece * 8 : 0), valid);
  }
}

// 16·kM rows of a tile as a left operand: kept in registers, or read again for each product.
template <int D, int kM, bool kKept>
class LeftRows {
 public:
  // When the tile has arrived.
  __device__ __forceinline__ LeftRows(const bf16* tile, int row)
      : rows_(tile, row + threadIdx.x % 16, threadIdx.x % 32 / 16) {
    if (kKept)
#pragma unroll
      for (int k = 0; k < D / 16; k++) read(k, kept_[k]);
  }
  // Their columns [16k, 16k + 16).
  __device__ __forceinline__ void at(int k, unsigned (&a)[kM][4]) const {
    if (kKept) {
#pragma unroll
      for (int i = 0; i < 4 * kM; i++) a[i / 4][i % 4] = kept_[k % kSlots][i / 4][i % 4];
    } else {
      read(k, a);
    }
  }

 private:
  static constexpr int kSlots = kKept ? D / 16 : 1;

  __device__ __forceinline__ void read(int k, unsigned (&a)[kM][4]) const {
#pragma unroll
    for (int m = 0; m < kM; m++) ldmatrix4(a[m][0], a[m][1], a[m][2], a[m][3], rows_.at(16 * m, 2 * k));
  }

  LaneRow<D> rows_;
  unsigned kept_[kSlots][kM][4];
};

// c [16·kM, 8·kN] = left · tileᵀ.
template <int D, int kM, int kN, bool kKept>
__device__ __forceinline__ void timesTransposed(float (&c)[kM][kN][4], const LeftRows<D, kM, kKept>& left,
                                                const bf16* tile) {
  const int lane = threadIdx.x % 32;
  const LaneRow<D> rows(tile, lane / 16 * 8 + lane % 8, lane / 8 % 2);
#pragma unroll
  for (int i = 0; i < kM * kN * 4; i++) c[i / (4 * kN)][i / 4 % kN][i % 4] = 0.f;
#pragma unroll
  for (int k = 0; k < D / 16; k++) {
    unsigned a[kM][4];
    left.at(k, a);
#pragma unroll
    for (int n = 0; n < kN; n += 2) {
      unsigned b[2][2];
      ldmatrix4(b[0][0], b[0][1], b[1][0], b[1][1], rows.at(8 * n, 2 * k));
#pragma unroll
      for (int m = 0; m < kM; m++) {
        mma16816(c[m][n], a[m], b[0]);
        mma16816(c[m][n + 1], a[m], b[1]);
      }
    }
  }
}

// c [16·kM, D] += left · tile. left [16·kM, 8·kN] is rounded; of sums a lane holds the very elements that it holds of a left
// operand.
template <int D, int kM, int kN>
__device__ __forceinline__ void addTimes(float (&c)[kM][D / 8][4], const float (&left)[kM][kN][4], const bf16* tile) {
  const LaneRow<D> rows(tile, threadIdx.x % 16, threadIdx.x % 32 / 16);
#pragma unroll
  for (int k = 0; k < kN / 2; k++) {
    unsigned a[kM][4];
#pragma unroll
    for (int i = 0; i < 4 * kM; i++) {
      const float* pair = left[i / 4][2 * k + i % 4 / 2] + 2 * (i % 2);
      a[i / 4][i % 4] = packBf16(pair[0], pair[1]);
    }
#pragma unroll
    for (int n = 0; n < D / 8; n += 2) {
      unsigned b[2][2];
      ldmatrix4Transposed(b[0][0], b[0][1], b[1][0], b[1][1], rows.at(16 * k, n));
#pragma unroll
      for (int m = 0; m < kM; m++) {
        mma16816(c[m][n], a[m], b[0]);
        mma16816(c[m][n + 1], a[m], b[1]);
      }
    }
  }
}

// c [16·kM, 8·kN] += (columns [column, column + 16·kM) of `left`)ᵀ · columns [rightColumn, rightColumn + 8·kN) of `right`, over
// their first `rows` of kRows rows, a multiple of 16. The columns are multiples of 16.
template <int kLeft, int D, int kRows, int kM, int kN>
__device__ __forceinline__ void addTransposedTimes(float (&c)[kM][kN][4], const bf16* left, int column, const bf16* right,
                                                   int rightColumn, int rows) {
  const int lane = threadIdx.x % 32;
  const LaneRow<kLeft> leftRows(left, lane / 16 * 8 + lane % 8, lane / 8 % 2);
  const LaneRow<D> rightRows(right, lane % 16, lane / 16);
#pragma unroll
  for (int k = 0; k < kRows / 16; k++) {
    if (16 * k >= rows) continue; // for the whole warp
    unsigned a[kM][4];
#pragma unroll
    for (int m = 0; m < kM; m++)
      ldmatrix4Transposed(a[m][0], a[m][1], a[m][2], a[m][3], leftRows.at(16 * k, column / 8 + 2 * m));
#pragma unroll
    for (int n = 0; n < kN; n += 2) {
      unsigned b[2][2];
      ldmatrix4Transposed(b[0][0], b[0][1], b[1][0], b[1][1], rightRows.at(16 * k, rightColumn / 8 + n));
#pragma unroll
      for (int m = 0; m < kM; m++) {
        mma16816(c[m][n], a[m], b[0]);
        mma16816(c[m][n + 1], a[m], b[1]);
      }
    }
  }
}

// Rounds a warp's sums c [16·kM, 8·kN] to rows `row`.. of a tile, from column 8·`piece` on.
template <int D, int kM, int kN>
__device__ __forceinline__ void roundToTile(const float (&c)[kM][kN][4], bf16* tile, int row, int piece) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int m = 0; m < kM; m++)
#pragma unroll
    for (int n = 0; n < kN; n++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        bf16* at = tile + tileOffset<D>(row + 16 * m + 8 * half + lane / 4, piece + n) + lane % 4 * 2;
        *reinterpret_cast<unsigned*>(at) = packBf16(c[m][n][2 * half], c[m][n][2 * half + 1]);
      }
}

// Writes a warp's sums c [16·kM, D] to rows `first`.. of a head, y [T] of Dh numbers, ld numbers apart; by way of rows of a
// tile that only this warp uses, so that whole rows are stored at a time.
template <int D, int kM>
__device__ __forceinline__ void storeRows(const float (&c)[kM][D / 8][4], bf16* tile, int row, bf16* y, int ld, int first,
                                          int T, int Dh) {
  constexpr int kPieces = D / 8;
  const int lane = threadIdx.x % 32;
  __syncwarp();
  roundToTile<D>(c, tile, row, 0);
  __syncwarp();
  const int piece = lane % kPieces;
#pragma unroll
  for (int i = lane / kPieces; i < 16 * kM; i += 32 / kPieces)
    if (first + i < T && piece * 8 < Dh)
      *reinterpret_cast<Pack<bf16>*>(y + static_cast<Index>(first + i) * ld + piece * 8) =
          *reinterpret_cast<const Pack<bf16>*>(tile + tileOffset<D>(row + i, piece));
}

} // namespace ilf::cuda
