// Matrix products on packed panels.
//
// The right operand is packed into panels of NR columns, [K][NR] each, zero-padded; the left one is read in place (or
// packed, if it is transposed and K is long). A register tile of up to MR x NR runs over K. An element of the result is
// one chain of multiply-adds in the order of k, cut only at the boundaries that kBlock(K) gives: it does not depend on M,
// on the tile it falls in, or on the number of threads.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

#if ILF_VL == 4 && defined(__aarch64__)
constexpr int MR = 8, NRV = 2;
#elif ILF_VL == 4
constexpr int MR = 4, NRV = 2;
#elif ILF_VL == 8
constexpr int MR = 6, NRV = 2;
#else
constexpr int MR = 14, NRV = 2;
#endif
constexpr int NR = NRV * VL; // columns of a panel

// What happens to a finished tile: tile [rows][NR] holds the sums for result rows row.. and columns col..; `c` is where
// they would have gone.
struct Epilogue {
  void (*apply)(const void* ctx, Index row, Index col, Index rows, Index cols, const float* tile, float* c, Index ldc);
  const void* ctx;
};

// How the left operand's element (r, k) is found.
enum Layout {
  kRows,  // a[r·ld + k]
  kCols,  // a[k·ld + r]
  kTiles, // packed by packTiles
};

// c[rows, cols] (+)= a b for one block of K; panels are `panelStride` floats apart. The loops around the register tile.
void multiplyPanels(Index rows, Index cols, Index k, const float* a, Index lda, Layout layout, const float* panels,
                    Index panelStride, float* c, Index ldc, bool add, const Epilogue* epilogue = nullptr, Index row0 = 0,
                    Index col0 = 0);

// Panels of b [k, n] (trans: b is [n, k]), k·NR floats each.
void packPanels(Index n, Index k, const float* b, Index ldb, bool trans, float* panels);

// Length of the blocks that K is cut into.
Index kBlock(Index K);

// A whole right operand: blocks of K one after another, each with all its panels.
inline Index packedSize(Index N, Index K) { return roundUp(N, NR) * K; }
void packB(Index N, Index K, const float* b, Index ldb, bool trans, float* packed);       // in the caller
void packBShared(Index N, Index K, const float* b, Index ldb, bool trans, float* packed); // over the pool

// One panel of it: columns j.. (a multiple of NR), values of k from k.. (a multiple of kBlock(K)) to the block's end.
void packPanelOf(Index N, Index K, Index j, Index k, const float* b, Index ldb, bool trans, float* packed);

// Rows of the left operand that stay in the second-level cache while the panels pass.
constexpr Index kRowBlock = MR * (MR >= 12 ? 8 : 16);

// c[M, j0 .. j0+cols) (+)= op(a) b for b packed whole, N columns wide; j0 a multiple of NR. In the caller.
void multiplyColumns(Index M, Index N, Index j0, Index cols, Index K, const float* a, Index lda, bool transA,
                     const float* packed, float* c, Index ldc, bool add, const Epilogue* epilogue, Index row0);

// c[M,N] (+)= op(a) b, b packed whole. One in the caller, one over the pool.
void gemmPacked(Index M, Index N, Index K, const float* a, Index lda, bool transA, const float* packed, float* c, Index ldc,
                bool add, const Epilogue* epilogue = nullptr);
void gemmPackedShared(Index M, Index N, Index K, const float* a, Index lda, bool transA, const float* packed, float* c,
                      Index ldc, bool add, const Epilogue* epilogue = nullptr);

} // namespace ILF_NS
} // namespace ilf
