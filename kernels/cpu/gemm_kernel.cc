// The register tile, the loops around it, and packing.
#include "../runtime/scratch.h"
#include "gemm.h"

namespace ilf {
namespace ILF_NS {
namespace {

// out[R][NR] (+)= a b: R x NRV accumulators stay in registers.
template <int R, bool Rows>
void tile(Index kc, const float* a, Index sa, const float* b, float* out, Index ldo, bool add) {
  Vec acc[R][NRV] = {};
  for (Index k = 0; k < kc; k++) {
    Vec bv[NRV];
#pragma GCC unroll 4
    for (int v = 0; v < NRV; v++) bv[v] = load(b + v * VL);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const float x = Rows ? a[r * sa] : a[r];
#pragma GCC unroll 4
      for (int v = 0; v < NRV; v++) acc[r][v] += x * bv[v];
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

template <bool Rows, int... R>
struct TileTable {
  static constexpr Tile at[] = {tile<R, Rows>...};
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
constexpr const Tile* rowTiles = TileTable<true, ILF_TILES>::at;
constexpr const Tile* colTiles = TileTable<false, ILF_TILES>::at;

// Rows of the next tile when `left` are left: the last two share what is left, as a lone thin tile would be bound by the
// multiply-adds' latency.
ILF_INLINE Index tileRows(Index left) {
  if (left <= MR) return left;
  return left < 2 * MR ? (left + 1) / 2 : MR;
}

constexpr Index kInnerPanels = 98304; // floats of panels that the second-level cache is taken to hold

} // namespace

void multiplyPanels(Index rows, Index cols, Index k, const float* a, Index lda, Layout layout, const float* panels,
                    Index panelStride, float* c, Index ldc, bool add, const Epilogue* epilogue, Index row0, Index col0) {
  alignas(64) float buffer[MR * NR];
  const Tile* tiles = layout == kRows ? rowTiles : colTiles;
  const auto one = [&](Index i, Index r, Index j) {
    const float* b = panels + j / NR * panelStride;
    const Index n = least(NR, cols - j);
    const float* ai = layout == kRows ? a + i * lda : layout == kCols ? a + i : a + i * k;
    const Index sa = layout == kTiles ? r : lda;
    float* ci = c + i * ldc + j;
    if (n == NR && !epilogue) return tiles[r - 1](k, ai, sa, b, ci, ldc, add);
    tiles[r - 1](k, ai, sa, b, buffer, NR, false);
    if (add)
      for (Index y = 0; y < r; y++)
        for (Index x = 0; x < n; x++) buffer[y * NR + x] += ci[y * ldc + x];
    if (epilogue) epilogue->apply(epilogue->ctx, row0 + i, col0 + j, r, n, buffer, ci, ldc);
    else
      for (Index y = 0; y < r; y++)
        for (Index x = 0; x < n; x++) ci[y * ldc + x] = buffer[y * NR + x];
  };
  // What is small enough for the second-level cache goes round in the inner loop. Panels inside is the better order where
  // either would do: the result is then written row by row.
  if (cols * k <= kInnerPanels) {
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

namespace {

typedef float Quad __attribute__((vector_size(16)));
typedef float LooseQuad __attribute__((vector_size(16), aligned(4), may_alias));

// dst[k][NR] (4 columns of it) = four rows of b, four values of k at a time.
ILF_INLINE void transposeQuad(const float* s, Index ld, float* d) {
  const Quad a = *reinterpret_cast<const LooseQuad*>(s), b = *reinterpret_cast<const LooseQuad*>(s + ld);
  const Quad c = *reinterpret_cast<const LooseQuad*>(s + 2 * ld), e = *reinterpret_cast<const LooseQuad*>(s + 3 * ld);
  const Quad ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad ce0 = __builtin_shufflevector(c, e, 0, 4, 1, 5), ce1 = __builtin_shufflevector(c, e, 2, 6, 3, 7);
  *reinterpret_cast<LooseQuad*>(d) = __builtin_shufflevector(ab0, ce0, 0, 1, 4, 5);
  *reinterpret_cast<LooseQuad*>(d + NR) = __builtin_shufflevector(ab0, ce0, 2, 3, 6, 7);
  *reinterpret_cast<LooseQuad*>(d + 2 * NR) = __builtin_shufflevector(ab1, ce1, 0, 1, 4, 5);
  *reinterpret_cast<LooseQuad*>(d + 3 * NR) = __builtin_shufflevector(ab1, ce1, 2, 3, 6, 7);
}

// One panel: n ≤ NR columns.
void packPanel(Index n, Index k, const float* b, Index ldb, bool trans, float* panel) {
  if (!trans) {
    if (n == NR) {
      for (Index i = 0; i < k; i++)
#pragma GCC unroll 4
        for (int v = 0; v < NRV; v++) store(panel + i * NR + v * VL, load(b + i * ldb + v * VL));
      return;
    }
    for (Index i = 0; i < k; i++)
      for (Index j = 0; j < NR; j++) panel[i * NR + j] = j < n ? b[i * ldb + j] : 0;
    return;
  }
  const Index n4 = n / 4 * 4, k4 = k / 4 * 4;
  for (Index i = 0; i < k4; i += 4)
    for (Index j = 0; j < n4; j += 4) transposeQuad(b + j * ldb + i, ldb, panel + i * NR + j);
  for (Index i = 0; i < k; i++)
    for (Index j = i < k4 ? n4 : 0; j < NR; j++) panel[i * NR + j] = j < n ? b[j * ldb + i] : 0;
}

// Packs block [0, rows) x [0, k) of a [k, rows] (stride lda) the way multiplyPanels walks it.
void packTiles(Index rows, Index k, const float* a, Index lda, float* dst) {
  constexpr Index some = 16; // rows of `a` that stay in the first-level cache while all tiles take their part of them
  for (Index x0 = 0; x0 < k; x0 += some)
    for (Index i = 0, r; i < rows; i += r) {
      r = tileRows(rows - i);
      float* d = dst + i * k;
      const Index x1 = least(k, x0 + some);
      if (r == MR) {
        for (Index x = x0; x < x1; x++) memcpy(d + x * MR, a + x * lda + i, MR * sizeof(float));
      } else {
        for (Index x = x0; x < x1; x++)
          for (Index y = 0; y < r; y++) d[x * r + y] = a[x * lda + i + y];
      }
    }
}

} // namespace

void multiplyColumns(Index M, Index N, Index j0, Index cols, Index K, const float* a, Index lda, bool transA,
                     const float* packed, float* c, Index ldc, bool add, const Epilogue* epilogue, Index row0) {
  const Index kc = kBlock(K), padded = roundUp(N, NR);
  for (Index i = 0; i < M; i += kRowBlock) {
    const Index rows = least(kRowBlock, M - i);
    for (Index k = 0; k < K; k += kc) {
      const Index kn = least(kc, K - k);
      const float* block = transA ? a + k * lda + i : a + i * lda + k;
      Layout layout = kRows;
      if (transA) {
        float* tiles = scratch(kPackA, kRowBlock * kc);
        packTiles(rows, kn, block, lda, tiles);
        block = tiles;
        layout = kTiles;
      }
      multiplyPanels(rows, cols, kn, block, lda, layout, packed + k * padded + j0 * kn, kn * NR, c + i * ldc + j0, ldc,
                     add || k > 0, k + kn == K ? epilogue : nullptr, row0 + i, j0);
    }
  }
}

void packPanels(Index n, Index k, const float* b, Index ldb, bool trans, float* panels) {
  for (Index j = 0; j < n; j += NR)
    packPanel(least(NR, n - j), k, trans ? b + j * ldb : b + j, ldb, trans, panels + j * k);
}

Index kBlock(Index K) {
  constexpr Index longest = 256; // a panel of it fills half of a 32 KB first-level cache (AVX2)
  const Index blocks = (K + longest - 1) / longest;
  return blocks > 0 ? (K + blocks - 1) / blocks : 1;
}

void packB(Index N, Index K, const float* b, Index ldb, bool trans, float* packed) {
  const Index kc = kBlock(K), padded = roundUp(N, NR);
  for (Index k = 0; k < K; k += kc)
    packPanels(N, least(kc, K - k), trans ? b + k : b + k * ldb, ldb, trans, packed + k * padded);
}

void packPanelOf(Index N, Index K, Index j, Index k, const float* b, Index ldb, bool trans, float* packed) {
  const Index kn = least(kBlock(K), K - k);
  packPanel(least(NR, N - j), kn, trans ? b + j * ldb + k : b + k * ldb + j, ldb, trans,
            packed + k * roundUp(N, NR) + j * kn);
}

} // namespace ILF_NS
} // namespace ilf
