// Copies of operands in the order in which the register tile reads them.
#pragma once
#include "gemm.h"

namespace ilf {
namespace ILF_NS {

// Rows of the next tile when `left` are left: the last two share what is left, as a lone thin tile would be bound by the
// multiply-adds' latency.
ILF_INLINE Index tileRows(Index left) {
  if (left <= MR) return left;
  return left < 2 * MR ? (left + 1) / 2 : MR;
}

// Block [0, rows) x [0, k) of a [k, rows] (rows lda apart) the way multiplyPanels walks it. Writes up to a vector more
// than its wordsOf(k)·rows words.
template <class E, class S>
void packTiles(Index rows, Index k, const S* a, Index lda, float* dst);

// Block [0, rows) x [0, k) of a [rows, k] in rows of ld words, the last word of an odd k filled up with 0.
template <class E, class S>
void copyRows(Index rows, Index k, const S* a, Index lda, float* dst, Index ld);

} // namespace ILF_NS
} // namespace ilf
