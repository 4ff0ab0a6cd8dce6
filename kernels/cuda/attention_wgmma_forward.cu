// Attention's forward pass on Hopper's tensor cores, as FlashAttention-3 (Shah et al. 2024) in its essence: see attention.cu for
// what both ways of it have in common.
//
// A block has two warpgroups of 64 queries each, to which the same tiles of keys and values pass by. While a warpgroup takes the
// softmax of one tile of keys, its product of the last tile's probabilities and values goes on, and so do the products of the
// other warpgroups of the multiprocessor. The tiles are copied by all threads, one ahead.
#include <math.h>

#include "attention_heads.h"
#include "attention_wgmma.h"

namespace ilf::cuda {
namespace {

constexpr int kGroups = 2, kThreads = kGroup * kGroups, kRows = 64 * kGroups; // kRows: queries of a block

// Heads of 64 numbers leave registers for two blocks on a multiprocessor, with tiles of 64 keys. A product of so few columns
// reads its left operand from registers: from shared memory it would read as long as it computes.
template <int D>
struct Cut {
  static constexpr bool kKept = D == 64;
  static constexpr int kTile = kKept ? 64 : 128, kBlocks = kKept ? 2 : 1;
  static constexpr size_t kShared = (kRows + 4 * kTile) * D * sizeof(bf16);
};

// The running softmax of a lane's two rows, g and g + 8.
struct Softmax {
  float largest[2] = {-INFINITY, -INFINITY}, sum[2] = {}; // sum: of the lane's columns

  // Scores become probabilities, as yet not divided by their sum; fade: by what all before them are to be multiplied.
  template <int kN>
  __device__ __forceinline__ void add(float (&s)[kN][4], float by, float (&fade)[2]) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float top = largest[half];
#pragma unroll
      for (int n = 0; n < kN; n++) top = fmaxf(top, fmaxf(s[n][2 * half], s[n][2 * half + 1]));
      top = quadMax(top); // finite: the first tile has key 0, which every query sees
      const float shift = top * by;
      fade[half] = exp2Fast(fmaf(largest[half], by, -shift));
      largest[half] = top;
      float more = 0.f;
#pragma unroll
      for (int i = 0; i < 2 * kN; i++) {
        float& p = s[i / 2][2 * half + i % 2];
        p = exp2Fast(fmaf(p, by, -shift));
        more += p;
      }
      sum[half] = sum[half] * fade[half] + more;
    }
  }
};

// A query sees no later key. ahead: of the lane's first element, by how much its column comes after its row.
template <int kN>
__device__ __forceinline__ void hideLater(float (&s)[kN][4], int ahead) {
#pragma unroll
  for (int i = 0; i < 4 * kN; i++)
    if (ahead + i / 4 * 8 + i % 2 > i % 4 / 2 * 8) s[i / 4][i % 4] = -INFINITY;
}

template <int D>
__global__ void __launch_bounds__(kThreads, Cut<D>::kBlocks)
    wgmmaForwardKernel(Heads heads, Projected<const bf16> of, bf16* y, float* lse) {
  typedef Cut<D> C;
  constexpr int kTile = C::kTile, kN = kTile / 8;
  const int T = heads.T, Dh = heads.Dh, tiles = (T + kRows - 1) / kRows;
  const int head = blockIdx.x / tiles, first = (tiles - 1 - static_cast<int>(blockIdx.x) % tiles) * kRows; // longest first
  const int group = threadIdx.x / kGroup, warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const int row = first + 16 * warp; // the warp's first query
  const bf16 *k = of.k + heads.ofK(heads.shared(head)), *v = of.v + heads.ofV(heads.shared(head));
  bf16* queries = swizzledMemory();    // [kRows,D]
  bf16* keys = queries + kRows * D;    // [2,kTile,D]
  bf16* values = keys + 2 * kTile * D; // [2,kTile,D]
  const auto tilesFor = [&](int end) { return (min(end, T) + kTile - 1) / kTile; };
  const int tilesOfKeys = tilesFor(first + kRows), own = tilesFor(first + 64 * (group + 1)); // of the block, the warpgroup

  // Keys of tile i and values of the tile before it are here when this returns, and the next of both are on their way.
  const auto advance = [&](int i) {
    waitForCopies<0>();
    showToProducts();
    __syncthreads(); // the tiles are here, and nobody reads those before them any more
    if (i + 1 < tilesOfKeys)
      loadPanels<D, kTile, kThreads>(keys + (i + 1) % 2 * kTile * D, k, heads.ldk, (i + 1) * kTile, T, Dh);
    if (i < tilesOfKeys) loadPanels<D, kTile, kThreads>(values + i % 2 * kTile * D, v, heads.ldv, i * kTile, T, Dh);
    commitCopies();
  };
  loadPanels<D, kRows, kThreads>(queries, of.q + heads.ofQ(head), heads.ldq, first, T, Dh);
  loadPanels<D, kTile, kThreads>(keys, k, heads.ldk, 0, T, Dh);
  commitCopies();
  advance(0);

  unsigned kept[C::kKept ? D / 16 : 1][4]; // the queries
  if (C::kKept) {
    const LaneRow<64> rows(queries, 16 * warp + threadIdx.x % 16, threadIdx.x % 32 / 16);
#pragma unroll
    for (int i = 0; i < D / 16; i++) ldmatrix4(kept[i][0], kept[i][1], kept[i][2], kept[i][3], rows.at(0, 2 * i));
  }
  float s[kN][4], o[D / 8][4] = {}, fade[2];
  unsigned p[kN / 2][4];
  // s = queries · keysᵀ, of tile i.
  const auto requestScores = [&](int i) {
    const bf16* tile = keys + i % 2 * kTile * D;
#pragma unroll
    for (int j = 0; j < D / 16; j++)
      if constexpr (C::kKept) productAsync<false>(s, kept[j], columnsOf<kTile>(tile, 0, j), j > 0);
      else productAsync<false, false>(s, columnsOf<kRows>(queries, 64 * group, j), columnsOf<kTile>(tile, 0, j), j > 0);
    commitProducts();
  };
  // o += p · values, of tile i.
  const auto requestSums = [&](int i) {
    const bf16* tile = values + i % 2 * kTile * D;
#pragma unroll
    for (int j = 0; j < kTile / 16; j++) productAsync<true>(o, p[j], rowsOf<kTile>(tile, 16 * j), 1);
    commitProducts();
  };

  const float by = heads.scale * kLog2e;
  Softmax softmax;
  const auto probabilities = [&](int i) {
    if ((i + 1) * kTile - 1 > row) hideLater(s, i * kTile + 2 * t - row - g);
    softmax.add(s, by, fade);
  };
  beginProducts(s, kept);
  requestScores(0);
  waitForProducts<0>(s);
  probabilities(0);
  roundToLeft(p, s);
  for (int i = 1; i < own; i++) {
    advance(i);
    beginProducts(s, o, p);
    requestScores(i);
    requestSums(i - 1);
    waitForProducts<1>(s);
    probabilities(i);
    waitForProducts<0>(o, p);
#pragma unroll
    for (int j = 0; j < D / 2; j++) o[j / 4][j % 4] *= fade[j % 4 / 2];
    roundToLeft(p, s);
  }
  advance(own);
  beginProducts(o, p);
  requestSums(own - 1);
  waitForProducts<0>(o, p);
  for (int i = own + 1; i <= tilesOfKeys; i++) advance(i); // the other warpgroup's

#pragma unroll
  for (int half = 0; half < 2; half++) {
    const float whole = quadSum(softmax.sum[half]), inverse = 1.f / whole;
    const int at = row + 8 * half + g;
    if (t == 0 && at < T)
      lse[static_cast<Index>(head) * T + at] = softmax.largest[half] * heads.scale + logf(whole);
#pragma unroll
    for (int i = 0; i < D / 4; i++) o[i / 2][2 * half + i % 2] *= inverse;
  }
  // By way of the rows of queries that only this warp has used, or of those of a warpgroup that has finished with them.
#pragma unroll
  for (int panel = 0; panel < D / 64; panel++)
    storeRows<64, 1>(reinterpret_cast<const float(&)[1][8][4]>(o[8 * panel]), queries + panel * kRows * 64, 16 * warp,
                     y + heads.ofY(head) + 64 * panel, heads.width(), row, T, Dh - 64 * panel);
}

} // namespace

void forwardByWgmma(const Heads& heads, const Projected<const bf16>& of, bf16* y, float* lse) {
  const auto run = [&](auto size) {
    constexpr int D = decltype(size)::value;
    launch(wgmmaForwardKernel<D>, static_cast<unsigned>(heads.B * heads.H) * blocksFor(heads.T, kRows), kThreads,
           Cut<D>::kShared, heads, of, y, lse);
  };
  if (heads.Dh <= 64) run(std::integral_constant<int, 64>());
  else run(std::integral_constant<int, 128>());
}

} // namespace ilf::cuda
