// Matrix products on packed panels, in float32 or with bfloat16 operands and float32 sums.
//
// The right operand is packed into panels of NR columns, [words of K][NR] each, zero-padded. A word is 4 bytes: one float,
// or a pair of bfloat16 that follow each other in K. The left operand is read in place where it can be, else copied block
// by block. A register tile of up to MR x NR sums runs over K. An element of the result is one chain of additions in
// the order of k, cut only at the boundaries that kBlock(K) gives: it does not depend on M, on the tile it falls in, or
// on the number of threads.
//
// E is the operands' element type in the product (float or bf16), S the type that they are packed from, TC the result's.
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

template <class E>
constexpr Index kPerWord = 4 / sizeof(E);
template <class E>
ILF_INLINE Index wordsOf(Index K) {
  return (K + kPerWord<E> - 1) / kPerWord<E>;
}

// acc + the products of a word with a vector of words.
template <class E>
ILF_INLINE Vec multiplyAdd(Vec acc, float a, Vec b) {
  if constexpr (sizeof(E) == 4) return acc + a * b;
#if defined(__AVX512BF16__)
  return (Vec)_mm512_dpbf16_ps((__m512)acc, (__m512bh)_mm512_set1_ps(a), (__m512bh)b);
#else
  uint32_t bits;
  memcpy(&bits, &a, 4);
  const uint32_t high = bits & 0xffff0000u, low = bits << 16;
  float aHigh, aLow;
  memcpy(&aHigh, &high, 4);
  memcpy(&aLow, &low, 4);
  const WordVec w = (WordVec)b;
  return acc + aLow * (Vec)(w << 16) + aHigh * (Vec)(w & 0xffff0000u);
#endif
}

// What happens to a finished tile: tile [rows][NR] holds the sums for result rows row.. and columns col..; `c` is where
// they would have gone, of the product's result type.
struct Epilogue {
  void (*apply)(const void* ctx, Index row, Index col, Index rows, Index cols, const float* tile, void* c, Index ldc);
  const void* ctx;
};

// Where an epilogue's results go, if not over the sums.
struct Target {
  void* at;
  Index ld, bytes; // of an element
};

// How the left operand's word (r, k) is found.
enum Layout {
  kRows,  // a[r·ld + k]
  kCols,  // a[k·ld + r]
  kTiles, // packed by packTiles
};

// c[rows, cols] (+)= a b for `words` words of K; a's rows (or columns) are lda words, panels `panelStride` floats apart.
// The loops around the register tile.
template <class E = float>
void multiplyPanels(Index rows, Index cols, Index words, const float* a, Index lda, Layout layout, const float* panels,
                    Index panelStride, float* c, Index ldc, bool add, const Epilogue* epilogue = nullptr, Index row0 = 0,
                    Index col0 = 0, const Target* target = nullptr);

// Panels of b [k, n] (trans: b is [n, k]), wordsOf(k)·NR floats each.
template <class E = float, class S>
void packPanels(Index n, Index k, const S* b, Index ldb, bool trans, float* panels);

// Length of the blocks that K is cut into.
template <class E = float>
Index kBlock(Index K);

// A whole right operand: blocks of K one after another, each with all its panels. In floats.
template <class E = float>
ILF_INLINE Index packedSize(Index N, Index K) {
  return roundUp(N, NR) * wordsOf<E>(K);
}
template <class E = float, class S>
void packB(Index N, Index K, const S* b, Index ldb, bool trans, float* packed); // in the caller
template <class E = float, class S>
void packBShared(Index N, Index K, const S* b, Index ldb, bool trans, float* packed); // over the pool

// Rows of the left operand that stay in the second-level cache while the panels pass.
constexpr Index kRowBlock = MR * (MR >= 12 ? 8 : 16);

// c[M, j0 .. j0+cols) (+)= op(a) b for b packed whole, N columns wide; j0 a multiple of NR. In the caller. A bf16 result
// cannot be added to.
template <class E = float, class S, class TC>
void multiplyColumns(Index M, Index N, Index j0, Index cols, Index K, const S* a, Index lda, bool transA,
                     const float* packed, TC* c, Index ldc, bool add, const Epilogue* epilogue, Index row0);

// c[M,N] (+)= op(a) b, b packed whole. One in the caller, one over the pool.
template <class E = float, class S, class TC>
void gemmPacked(Index M, Index N, Index K, const S* a, Index lda, bool transA, const float* packed, TC* c, Index ldc,
                bool add, const Epilogue* epilogue = nullptr);
template <class E = float, class S, class TC>
void gemmPackedShared(Index M, Index N, Index K, const S* a, Index lda, bool transA, const float* packed, TC* c, Index ldc,
                      bool add, const Epilogue* epilogue = nullptr);

// c[M,N] (+)= op(a) op(b), packing b on the way; over the pool. a's rows, as they lie, are lda apart; b is dense.
template <class E = float, class SA, class SB>
void multiply(Index M, Index N, Index K, const SA* a, Index lda, bool transA, const SB* b, bool transB, float* c,
              bool accumulate);

} // namespace ILF_NS
} // namespace ilf
