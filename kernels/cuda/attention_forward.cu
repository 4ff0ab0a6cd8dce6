// Attention's forward pass by tensor cores' mma: see attention.cu.
#include <math.h>

#include "attention_heads.h"
#include "attention_tiles.h"

namespace ilf::cuda {
namespace {

constexpr int kWarps = 4, kThreads = 32 * kWarps;

// How the work is cut for heads of D numbers: as much as registers hold. A warp owns 16·kM queries; tiles of kTile keys pass
// by. The queries of small heads stay in registers, others are read again for each tile.
template <int D>
struct Cut {
  static constexpr bool kSmall = D <= 64;
  static constexpr int kM = 2, kTile = kSmall ? 64 : 32, kRows = 16 * kM * kWarps; // kRows: of a block
};

template <int D>
__global__ void __launch_bounds__(kThreads, 2) forwardKernel(Heads heads, Projected<const bf16> of, bf16* y, float* lse) {
  typedef Cut<D> C;
  constexpr int kM = C::kM, kTile = C::kTile, kN = kTile / 8, kRows = C::kRows;
  const int T = heads.T, Dh = heads.Dh, tiles = (T + kRows - 1) / kRows;
  const int head = blockIdx.x / tiles, first = (tiles - 1 - static_cast<int>(blockIdx.x) % tiles) * kRows; // longest first
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const int own = warp * 16 * kM, row = first + own; // the warp's first row, of the tile and of the sequence
  const bf16 *k = of.k + heads.ofK(heads.shared(head)), *v = of.v + heads.ofV(heads.shared(head));
  bf16* queries = sharedMemory<bf16>(); // [kRows,D]
  bf16* keys = queries + kRows * D;     // [2,kTile,D]
  bf16* values = keys + 2 * kTile * D;  // [2,kTile,D]
  const int tilesOfKeys = (min(first + kRows, T) + kTile - 1) / kTile;

  const auto request = [&](int tile) {
    const int into = tile % 2 * kTile * D;
    loadTile<D, kTile, kThreads>(keys + into, k, heads.ldk, tile * kTile, T, Dh);
    loadTile<D, kTile, kThreads>(values + into, v, heads.ldv, tile * kTile, T, Dh);
    commitCopies();
  };
  loadTile<D, kRows, kThreads>(queries, of.q + heads.ofQ(head), heads.ldq, first, T, Dh);
  request(0);
  waitForCopies<0>();
  __syncthreads();
  const LeftRows<D, kM, C::kSmall> left(queries, own);

  const float by = heads.scale * kLog2e;
  float o[kM][D / 8][4] = {}, largest[kM][2], sum[kM][2] = {}; // sum: of the lane's columns
#pragma unroll
  for (int i = 0; i < 2 * kM; i++) largest[i / 2][i % 2] = -INFINITY;
  for (int tile = 0; tile < tilesOfKeys; tile++) {
    waitForCopies<0>();
    __syncthreads(); // the tile is here, and nobody reads the last one any more
    if (tile + 1 < tilesOfKeys) request(tile + 1);
    const int used = tile % 2 * kTile * D, from = tile * kTile;
    if (row >= T || from >= row + 16 * kM) continue; // for the whole warp
    float s[kM][kN][4];
    timesTransposed(s, left, keys + used);
    const int ahead = from + 2 * t - row - g; // of the lane's first element: by how much its column comes after its row
    if (from + kTile - 1 > row)
#pragma unroll
      for (int m = 0; m < kM; m++)
#pragma unroll
        for (int i = 0; i < 4 * kN; i++)
          if (ahead + i / 4 * 8 + i % 2 > 16 * m + i % 4 / 2 * 8) s[m][i / 4][i % 4] = -INFINITY;
#pragma unroll
    for (int m = 0; m < kM; m++)
#pragma unroll
      for (int half = 0; half < 2; half++) { // row g, row g + 8
        float top = largest[m][half];
#pragma unroll
        for (int n = 0; n < kN; n++) top = fmaxf(top, fmaxf(s[m][n][2 * half], s[m][n][2 * half + 1]));
        top = quadMax(top); // finite: the first tile has key 0, which every query sees
        const float shift = top * by, fade = exp2Fast(fmaf(largest[m][half], by, -shift));
        largest[m][half] = top;
        float more = 0.f;
#pragma unroll
        for (int i = 0; i < 2 * kN; i++) {
          float& p = s[m][i / 2][2 * half + i % 2];
          p = exp2Fast(fmaf(p, by, -shift));
          more += p;
        }
        sum[m][half] = sum[m][half] * fade + more;
#pragma unroll
        for (int i = 0; i < D / 4; i++) o[m][i / 2][2 * half + i % 2] *= fade;
      }
    addTimes<D>(o, s, values + used);
  }

#pragma unroll
  for (int m = 0; m < kM; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const float whole = quadSum(sum[m][half]), inverse = 1.f / whole;
      const int at = row + 16 * m + 8 * half + g;
      if (t == 0 && at < T)
        lse[static_cast<Index>(head) * T + at] = largest[m][half] * heads.scale + logf(whole);
#pragma unroll
      for (int i = 0; i < D / 4; i++) o[m][i / 2][2 * half + i % 2] *= inverse;
    }
  storeRows<D, kM>(o, queries, own, y + heads.ofY(head), heads.width(), row, T, Dh);
}

} // namespace

void forwardByTiles(const Heads& heads, const Projected<const bf16>& of, bf16* y, float* lse) {
  withHeadSize(heads.Dh, [&](auto size) {
    constexpr int D = decltype(size)::value;
    typedef Cut<D> C;
    launch(forwardKernel<D>, static_cast<unsigned>(heads.B * heads.H) * blocksFor(heads.T, C::kRows), kThreads,
           (C::kRows + 4 * C::kTile) * D * sizeof(bf16), heads, of, y, lse);
  });
}

} // namespace ilf::cuda
