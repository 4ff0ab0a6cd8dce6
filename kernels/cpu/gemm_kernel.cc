// The register tile, the loops around it, and a task's part of a product.
#include "../runtime/scratch.h"
#include "gemm.h"
#include "pack.h"

namespace ilf {
namespace ILF_NS {
namespace {

// A word of the left operand, which is two numbers where they are bfloat16: a row of these may begin at any of them.
ILF_INLINE float loadWord(const float* p) {
  float x;
  memcpy(&x, p, sizeof x);
  return x;
}

// out[R][NR] (+)= a b: R x NRV sums stay in registers.
template <class E, int R, bool Rows>
void tile(Index words, const float* a, Index sa, const float* b, float* out, Index ldo, bool add) {
  Vec acc[R][NRV] = {};
  for (Index k = 0; k < words; k++) {
    Vec bv[NRV];
#pragma GCC unroll 4
    for (int v = 0; v < NRV; v++) bv[v] = load(b + v * VL);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const float x = loadWord(Rows ? a + r * sa : a + r);
#pragma GCC unroll 4
      for (int v = 0; v < NRV; v++) acc[r][v] = multiplyAdd<E>(acc[r][v], x, bv[v]);
    }
    a += Rows ? 1 : sa;
    b += NR;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < NRV; v++) {
      float* o = out + r * ldo + v * VL;
      store(o, add ? load(o) + acc[r][v] : acc[r][v]);
    }
}

typedef void (*Tile)(Index, const float*, Index, const float*, float*, Index, bool);

template <class E, bool Rows, int... R>
struct TileTable {
  static constexpr Tile at[] = {tile<E, R, Rows>...};
};
#if ILF_VL == 16
#define ILF_TILES 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
#elif ILF_VL == 8
#define ILF_TILES 1, 2, 3, 4, 5, 6
#elif defined(__aarch64__)
#define ILF_TILES 1, 2, 3, 4, 5, 6, 7, 8
#else
#define ILF_TILES 1, 2, 3, 4
#endif

constexpr Index kInnerPanels = 98304; // floats of panels that the second-level cache is taken to hold

void storeHalves(const void*, Index, Index, Index rows, Index cols, const float* tile, void* c, Index ldc) {
  bf16* to = static_cast<bf16*>(c);
  for (Index i = 0; i < rows; i++)
    for (Index j = 0; j < cols; j += VL) storeUpTo(to + i * ldc + j, load(tile + i * NR + j), cols - j);
}
constexpr Epilogue kStoreHalves = {storeHalves, nullptr};

// Rows this many bytes apart share so few of a first-level cache's 64 sets that a tile's rows push each other out.
bool rowsCollide(Index bytes) { return bytes % 2048 == 0; }

} // namespace

template <class E>
void multiplyPanels(Index rows, Index cols, Index words, const float* a, Index lda, Layout layout, const float* panels,
                    Index panelStride, float* c, Index ldc, bool add, const Epilogue* epilogue, Index row0, Index col0,
                    const Target* target) {
  alignas(64) float buffer[MR * NR];
  const Tile* tiles = layout == kRows ? TileTable<E, true, ILF_TILES>::at : TileTable<E, false, ILF_TILES>::at;
  const auto one = [&](Index i, Index r, Index j) {
    const float* b = panels + j / NR * panelStride;
    const Index n = least(NR, cols - j);
    const float* ai = layout == kRows ? a + i * lda : layout == kCols ? a + i : a + i * words;
    const Index sa = layout == kTiles ? r : lda;
    float* ci = c ? c + i * ldc + j : nullptr;
    if (n == NR && !epilogue) return tiles[r - 1](words, ai, sa, b, ci, ldc, add);
    tiles[r - 1](words, ai, sa, b, buffer, NR, false);
    if (add)
      for (Index y = 0; y < r; y++)
        for (Index x = 0; x < n; x++) buffer[y * NR + x] += ci[y * ldc + x];
    if (epilogue) {
      void* to = target ? static_cast<char*>(target->at) + (i * target->ld + j) * target->bytes : static_cast<void*>(ci);
      epilogue->apply(epilogue->ctx, row0 + i, col0 + j, r, n, buffer, to, target ? target->ld : ldc);
    } else
      for (Index y = 0; y < r; y++)
        for (Index x = 0; x < n; x++) ci[y * ldc + x] = buffer[y * NR + x];
  };
  // What is small enough for the second-level cache goes round in the inner loop. Panels inside is the better order where
  // either would do: the result is then written row by row.
  if (cols * words <= kInnerPanels) {
    for (Index i = 0, r; i < rows; i += r) {
      r = tileRows(rows - i);
      for (Index j = 0; j < cols; j += NR) one(i, r, j);
    }
  } else {
    for (Index j = 0; j < cols; j += NR)
      for (Index i = 0, r; i < rows; i += r) {
        r = tileRows(rows - i);
        one(i, r, j);
      }
  }
}

template <class E, class S, class TC>
void multiplyColumns(Index M, Index N, Index j0, Index cols, Index K, const S* a, Index lda, bool transA,
                     const float* packed, TC* c, Index ldc, bool add, const Epilogue* epilogue, Index row0) {
  constexpr bool halves = sizeof(TC) == 2;
  if (halves && !epilogue) epilogue = &kStoreHalves;
  const Index kc = kBlock<E>(K), padded = roundUp(N, NR);
  const bool inPlace = !transA && sizeof(S) == sizeof(E) && !rowsCollide(lda * sizeof(S)) &&
                       (sizeof(E) == 4 || (lda % 2 == 0 && K % 2 == 0));
  const Index rowsAtOnce = least(kRowBlock, M);
  float* copy = inPlace ? nullptr : scratch(kPackA, (rowsAtOnce + 1) * (wordsOf<E>(kc) + 16) + 64);
  // A bf16 result's sums over the blocks of K but the last.
  float* sums = halves && K > kc ? scratch(kPartial, rowsAtOnce * roundUp(cols, NR)) : nullptr;
  for (Index i = 0; i < M; i += kRowBlock) {
    const Index rows = least(kRowBlock, M - i);
    for (Index k = 0; k < K; k += kc) {
      const Index kn = least(kc, K - k), words = wordsOf<E>(kn);
      const S* block = transA ? a + k * lda + i : a + i * lda + k;
      const float* left = copy;
      Layout layout = kRows;
      Index ld = words + 16;
      if (inPlace) {
        left = reinterpret_cast<const float*>(block);
        ld = lda / kPerWord<E>;
      } else if (transA) {
        packTiles<E>(rows, kn, block, lda, copy);
        layout = kTiles;
      } else {
        copyRows<E>(rows, kn, block, lda, copy, ld);
      }
      const bool last = k + kn == K;
      const float* panels = packed + k / kPerWord<E> * padded + j0 * words;
      TC* to = c + i * ldc + j0;
      const Target target = {to, ldc, sizeof(TC)};
      if (halves)
        multiplyPanels<E>(rows, cols, words, left, ld, layout, panels, words * NR, sums, roundUp(cols, NR), k > 0,
                          last ? epilogue : nullptr, row0 + i, j0, &target);
      else
        multiplyPanels<E>(rows, cols, words, left, ld, layout, panels, words * NR, reinterpret_cast<float*>(to), ldc,
                          add || k > 0, last ? epilogue : nullptr, row0 + i, j0);
    }
  }
}

template <class E>
Index kBlock(Index K) {
  // Words. Long blocks, as partial sums go through memory; on AVX2 a panel fills half of a 32 KB first-level cache.
  constexpr Index longest = ILF_VL == 16 ? 768 : 256;
  const Index words = wordsOf<E>(K), blocks = (words + longest - 1) / longest;
  return blocks > 0 ? (words + blocks - 1) / blocks * kPerWord<E> : kPerWord<E>;
}

template Index kBlock<float>(Index);
template Index kBlock<bf16>(Index);

#define ILF_PANELS(E)                                                                                                     \
  template void multiplyPanels<E>(Index, Index, Index, const float*, Index, Layout, const float*, Index, float*, Index,   \
                                  bool, const Epilogue*, Index, Index, const Target*);
ILF_PANELS(float)
ILF_PANELS(bf16)
#define ILF_COLUMNS(E, S, TC)                                                                                             \
  template void multiplyColumns<E, S, TC>(Index, Index, Index, Index, Index, const S*, Index, bool, const float*, TC*,    \
                                          Index, bool, const Epilogue*, Index);
ILF_COLUMNS(float, float, float)
ILF_COLUMNS(bf16, float, float)
ILF_COLUMNS(bf16, bf16, float)
ILF_COLUMNS(bf16, bf16, bf16)

} // namespace ILF_NS
} // namespace ilf
