#include "pack.h"

#include "../runtime/pool.h"

namespace ilf {
namespace ILF_NS {
namespace {

typedef float Quad __attribute__((vector_size(16)));
typedef float LooseQuad __attribute__((vector_size(16), aligned(4), may_alias));
typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint16_t LooseEightHalves __attribute__((vector_size(16), aligned(2), may_alias));
typedef uint16_t LooseFourHalves __attribute__((vector_size(8), aligned(2), may_alias));

// Words of a vector of columns: element k of each, and k + 1 where a word holds two (next is null behind the last).
template <class E>
ILF_INLINE Vec wordVec(Vec first, const Vec* next) {
  if constexpr (sizeof(E) == 4) return first;
#if defined(__AVX512BF16__)
  const WordVec low = __builtin_convertvector(toHalves(first), WordVec);
  return (Vec)(next ? low | __builtin_convertvector(toHalves(*next), WordVec) << 16 : low);
#else
  const WordVec low = roundToHalves(first) >> 16;
  return (Vec)(next ? low | (roundToHalves(*next) & 0xffff0000u) : low);
#endif
}

// Where no rounding is due, halves are moved, not converted.
template <class E, class S>
ILF_INLINE Vec columnWords(const S* p, Index ld, bool pair) {
  if (sizeof(E) == 2 && sizeof(S) == 2) {
    const bf16* h = reinterpret_cast<const bf16*>(p);
    const WordVec low = loadHalves(h);
    return (Vec)(pair ? low | loadHalves(h + ld) << 16 : low);
  }
  const Vec first = load(p);
  if (sizeof(E) == 4 || !pair) return wordVec<E>(first, nullptr);
  const Vec next = load(p + ld);
  return wordVec<E>(first, &next);
}
template <class E, class S>
ILF_INLINE Vec columnWordsUpTo(const S* p, Index ld, bool pair, Index n) {
  if (n >= VL) return columnWords<E>(p, ld, pair);
  if (sizeof(E) == 2 && sizeof(S) == 2) {
    const bf16* h = reinterpret_cast<const bf16*>(p);
    const WordVec low = loadHalvesPart(h, n);
    return (Vec)(pair ? low | loadHalvesPart(h + ld, n) << 16 : low);
  }
  const Vec first = loadPart(p, n);
  if (sizeof(E) == 4 || !pair) return wordVec<E>(first, nullptr);
  const Vec next = loadPart(p + ld, n);
  return wordVec<E>(first, &next);
}

// Four words of a row.
template <class E>
ILF_INLINE Quad rowWords(const float* p) {
  if constexpr (sizeof(E) == 4) return *reinterpret_cast<const LooseQuad*>(p);
#if defined(__AVX512BF16__)
  return (Quad)_mm256_cvtneps_pbh(_mm256_loadu_ps(p));
#else
  typedef uint32_t EightWords __attribute__((vector_size(32)));
  typedef uint16_t EightHalves __attribute__((vector_size(16)));
  const Eight v = *reinterpret_cast<const Eight*>(p);
  const EightWords bits = (EightWords)v, rounded = bits + (((bits >> 16) & 1) + 0x7fff);
  const EightWords kept = v == v ? rounded : bits | 0x400000;
  return (Quad)__builtin_convertvector(kept >> 16, EightHalves);
#endif
}
template <class E>
ILF_INLINE Quad rowWords(const bf16* p) {
  if constexpr (sizeof(E) == 2) return (Quad) * reinterpret_cast<const LooseEightHalves*>(p);
  typedef uint32_t FourWords __attribute__((vector_size(16)));
  typedef uint16_t FourHalves __attribute__((vector_size(8)));
  const FourHalves h = *reinterpret_cast<const LooseFourHalves*>(p);
  return (Quad)(__builtin_convertvector(h, FourWords) << 16);
}

// One word of a row, the second element absent where n is 1.
template <class E, class S>
ILF_INLINE float rowWord(const S* p, Index n) {
  if (sizeof(E) == 4) return toFloat(p[0]);
  bf16 pair[2] = {0, 0};
  for (Index i = 0; i < least(2, n); i++) {
    bf16 t[VL];
    store(t, splat(toFloat(p[i])));
    pair[i] = t[0];
  }
  float word;
  memcpy(&word, pair, 4);
  return word;
}

// dst[k][NR] (4 columns of it) = four rows of b, four words of k at a time.
template <class E, class S>
ILF_INLINE void transposeQuad(const S* s, Index ld, float* d) {
  const Quad a = rowWords<E>(s), b = rowWords<E>(s + ld), c = rowWords<E>(s + 2 * ld), e = rowWords<E>(s + 3 * ld);
  const Quad ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad ce0 = __builtin_shufflevector(c, e, 0, 4, 1, 5), ce1 = __builtin_shufflevector(c, e, 2, 6, 3, 7);
  *reinterpret_cast<LooseQuad*>(d) = __builtin_shufflevector(ab0, ce0, 0, 1, 4, 5);
  *reinterpret_cast<LooseQuad*>(d + NR) = __builtin_shufflevector(ab0, ce0, 2, 3, 6, 7);
  *reinterpret_cast<LooseQuad*>(d + 2 * NR) = __builtin_shufflevector(ab1, ce1, 0, 1, 4, 5);
  *reinterpret_cast<LooseQuad*>(d + 3 * NR) = __builtin_shufflevector(ab1, ce1, 2, 3, 6, 7);
}

constexpr Index kTogether = 8; // panels that are packed together: rows of b are then read in pieces of 1 KB, not 128 bytes

// Panels of n ≤ kTogether·NR columns, `stride` floats apart.
template <class E, class S>
void packGroup(Index n, Index k, const S* b, Index ldb, bool trans, float* panels, Index stride) {
  constexpr Index per = kPerWord<E>;
  const Index words = wordsOf<E>(k), whole = k / per;
  if (!trans) {
    for (Index w = 0; w < words; w++) {
      const S* row = b + w * per * ldb;
      Index j = 0;
      for (; j + NR <= n; j += NR)
#pragma GCC unroll 4
        for (int v = 0; v < NRV; v++)
          store(panels + j / NR * stride + w * NR + v * VL, columnWords<E>(row + j + v * VL, ldb, w < whole));
      for (int v = 0; j < n && v < NRV; v++)
        store(panels + j / NR * stride + w * NR + v * VL,
              j + v * VL < n ? columnWordsUpTo<E>(row + j + v * VL, ldb, w < whole, n - j - v * VL) : Vec{});
    }
    return;
  }
  for (Index from = 0; from < n; from += NR) {
    const S* columns = b + from * ldb;
    float* panel = panels + from / NR * stride;
    const Index m = least(NR, n - from), m4 = m / 4 * 4, w4 = whole / 4 * 4;
    for (Index w = 0; w < w4; w += 4)
      for (Index j = 0; j < m4; j += 4) transposeQuad<E>(columns + j * ldb + w * per, ldb, panel + w * NR + j);
    for (Index w = 0; w < words; w++)
      for (Index j = w < w4 ? m4 : 0; j < NR; j++)
        panel[w * NR + j] = j < m ? rowWord<E>(columns + j * ldb + w * per, k - w * per) : 0;
  }
}

constexpr Index kSharedPack = 32768; // floats below which another thread's help costs more than it saves

} // namespace

template <class E, class S>
void packTiles(Index rows, Index k, const S* a, Index lda, float* dst) {
  constexpr Index per = kPerWord<E>;
  constexpr Index some = 16; // words of k whose rows of `a` stay in the first-level cache while all tiles take their part
  const Index words = wordsOf<E>(k), whole = k / per;
  for (Index w0 = 0; w0 < words; w0 += some)
    for (Index i = 0, r; i < rows; i += r) {
      r = tileRows(rows - i);
      float* d = dst + i * words;
      for (Index w = w0; w < least(words, w0 + some); w++)
        for (Index y = 0; y < r; y += VL) {
          const Index n = least(VL, r - y);
          const S* from = a + w * per * lda + i + y;
          storePart(d + w * r + y, columnWordsUpTo<E>(from, lda, w < whole, n), n);
        }
    }
}

template <class E, class S>
void copyRows(Index rows, Index k, const S* a, Index lda, float* dst, Index ld) {
  for (Index i = 0; i < rows; i++) {
    E* to = reinterpret_cast<E*>(dst + i * ld);
    for (Index j = 0; j < k; j += VL) storeUpTo(to + j, loadUpTo(a + i * lda + j, k - j), k - j);
    if (k % kPerWord<E> != 0) to[k] = 0;
  }
}

template <class E, class S>
void packPanels(Index n, Index k, const S* b, Index ldb, bool trans, float* panels) {
  const Index words = wordsOf<E>(k);
  for (Index j = 0; j < n; j += kTogether * NR)
    packGroup<E>(least(kTogether * NR, n - j), k, trans ? b + j * ldb : b + j, ldb, trans, panels + j * words, words * NR);
}

template <class E, class S>
void packB(Index N, Index K, const S* b, Index ldb, bool trans, float* packed) {
  const Index kc = kBlock<E>(K), padded = roundUp(N, NR);
  for (Index k = 0; k < K; k += kc)
    packPanels<E>(N, least(kc, K - k), trans ? b + k : b + k * ldb, ldb, trans, packed + k / kPerWord<E> * padded);
}

template <class E, class S>
void packBShared(Index N, Index K, const S* b, Index ldb, bool trans, float* packed) {
  if (N * K < kSharedPack || poolThreads() == 1) return packB<E>(N, K, b, ldb, trans, packed);
  const Index kc = kBlock<E>(K), blocks = (K + kc - 1) / kc, panels = (N + NR - 1) / NR;
  const Index groups = (panels + kTogether - 1) / kTogether;
  parallelFor(blocks * groups, [&](Index task) {
    const Index k = task / groups * kc, j = task % groups * kTogether * NR;
    const Index kn = least(kc, K - k), words = wordsOf<E>(kn);
    packGroup<E>(least(kTogether * NR, N - j), kn, trans ? b + j * ldb + k : b + k * ldb + j, ldb, trans,
                 packed + k / kPerWord<E> * roundUp(N, NR) + j * words, words * NR);
  });
}

#define ILF_PACK(E, S)                                                                                                    \
  template void packPanels<E, S>(Index, Index, const S*, Index, bool, float*);                                            \
  template void packB<E, S>(Index, Index, const S*, Index, bool, float*);                                                 \
  template void packBShared<E, S>(Index, Index, const S*, Index, bool, float*);                                           \
  template void packTiles<E, S>(Index, Index, const S*, Index, float*);                                                   \
  template void copyRows<E, S>(Index, Index, const S*, Index, float*, Index);
ILF_PACK(float, float)
ILF_PACK(float, bf16)
ILF_PACK(bf16, float)
ILF_PACK(bf16, bf16)

} // namespace ILF_NS
} // namespace ilf
