// Attention's backward pass by tensor cores' mma: see attention.cu.
//
// A block owns a tile of keys and goes over the queries that see them: of each tile of queries it makes the scores and their
// gradient, once, transposed (rows are keys), adds to its dv and dk in registers, and to the queries' dq in memory
// (attention_sums.h).
#include <math.h>

#include "attention_tiles.h"
#include "attention_sums.h"

namespace ilf::cuda {
namespace {

constexpr int kWarps = 4, kThreads = 32 * kWarps;

// How the work is cut for heads of D numbers: as much as registers and shared memory hold. A warp owns 16·kM keys; tiles of
// kTile queries pass by, of which a warp has the scores of kPart at a time. A tile's dq is cut among the warps into quarters.
// The more keys a block has, the fewer sums pass through memory: 2.5·kKeys flops for each byte added to dq.
template <int D>
struct Cut {
  static constexpr int kM = D <= 64 ? 2 : 1, kTile = D <= 64 ? 64 : 32, kPart = 32;
  static constexpr int kKeys = 16 * kM * kWarps; // of a block
  static constexpr size_t kShared = ((2 * kKeys + 4 * kTile) * D + kKeys * kTile) * sizeof(bf16) + 2 * kTile * sizeof(float2);
};

template <int D>
__global__ void __launch_bounds__(kThreads, 2) backwardKernel(Heads heads, int padded, Projected<const bf16> of, const bf16* dy,
                                                              const float2* stats, Sums through, Projected<bf16> to) {
  typedef Cut<D> C;
  constexpr int kM = C::kM, kTile = C::kTile, kPart = C::kPart, kN = kPart / 8, kKeys = C::kKeys;
  const int T = heads.T, Dh = heads.Dh, tiles = (T + kKeys - 1) / kKeys;
  const QueryTiles<kTile, kKeys, kWarps> its(takeKeyTile(through, tiles), heads);
  const int head = its.block.head, first = its.block.keys * kKeys;
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const int own = warp * 16 * kM, row = first + own; // the warp's first key, of the tile and of the sequence
  bf16* keys = sharedMemory<bf16>();                                        // [kKeys,D]
  bf16* values = keys + kKeys * D;                                          // [kKeys,D]
  bf16* queries = values + kKeys * D;                                       // [2,kTile,D]
  bf16* ups = queries + 2 * kTile * D;                                      // [2,kTile,D], of dy
  bf16* scoresGradient = ups + 2 * kTile * D;                               // [kKeys,kTile]
  float2* rowStats = reinterpret_cast<float2*>(scoresGradient + kKeys * kTile); // [2,kTile]

  const int steps = its.steps();
  const auto request = [&](int step) {
    const int member = its.member(step), from = its.tile(step) * kTile, into = step % 2 * kTile;
    loadTile<D, kTile, kThreads>(queries + into * D, of.q + heads.ofQ(member), heads.ldq, from, T, Dh);
    loadTile<D, kTile, kThreads>(ups + into * D, dy + heads.ofY(member), heads.width(), from, T, Dh);
    its.requestStats(rowStats + into, stats, padded, step);
    commitCopies();
  };
  loadTile<D, kKeys, kThreads>(keys, of.k + heads.ofK(head), heads.ldk, first, T, Dh);
  loadTile<D, kKeys, kThreads>(values, of.v + heads.ofV(head), heads.ldv, first, T, Dh);
  request(0);
  const LeftRows<D, kM, false> leftKeys(keys, own), leftValues(values, own);

  const bool last = its.block.keys == 0; // in turn

  const float by = heads.scale * kLog2e;
  float dk[kM][D / 8][4] = {}, dv[kM][D / 8][4] = {};
  for (int step = 0; step < steps; step++) {
    const int from = its.tile(step) * kTile, used = step % 2 * kTile;
    waitForCopies<0>();
    __syncthreads(); // the tile is here, and nobody reads the last one, or its scores' gradient, any more
    if (step + 1 < steps) request(step + 1);
    if (step > 0 && !last) its.turn(step - 1, warp).end(through);
    const int seen = min(from + kTile, T) - first; // keys of the block that some query of the tile sees, or more
    if (own < seen) {                              // for the whole warp
#pragma unroll 1 // half the instructions, and no registers spilled
      for (int part = 0; part < kTile; part += kPart) {
        const bf16 *itsQueries = queries + (used + part) * D, *itsUps = ups + (used + part) * D;
        const float4* pairs = reinterpret_cast<const float4*>(rowStats + used + part + 2 * t); // of columns 0 and 1
        float p[kM][kN][4], ds[kM][kN][4];
        timesTransposed(p, leftKeys, itsQueries);
        timesTransposed(ds, leftValues, itsUps);
#pragma unroll
        for (int n = 0; n < kN; n++) {
          const float4 two = pairs[4 * n];
#pragma unroll
          for (int m = 0; m < kM; m++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
              p[m][n][i] = exp2Fast(fmaf(p[m][n][i], by, -(i % 2 ? two.z : two.x)));
              ds[m][n][i] = p[m][n][i] * (ds[m][n][i] - (i % 2 ? two.w : two.y));
            }
        }
        // Of the lane's first element: by how much its column comes after its row.
        const int ahead = from + part + 2 * t - row - g;
        if (from + part < row + 16 * kM - 1)
#pragma unroll
          for (int m = 0; m < kM; m++)
#pragma unroll
            for (int i = 0; i < 4 * kN; i++)
              if (16 * m + i % 4 / 2 * 8 > ahead + i / 4 * 8 + i % 2) p[m][i / 4][i % 4] = ds[m][i / 4][i % 4] = 0.f;
        roundToTile<kTile>(ds, scoresGradient, own, part / 8);
        addTimes<D>(dv, p, itsUps);
        addTimes<D>(dk, ds, itsQueries);
      }
    }
    __syncthreads(); // the scores' gradient is whole

    // A quarter of the queries' dq: rows [queryRow, + kTile/2), columns [column, + D/2).
    const int queryRow = warp % 2 * (kTile / 2), column = warp / 2 * (D / 2);
    float dq[kTile / 32][D / 16][4] = {};
    addTransposedTimes<kTile, D, kKeys>(dq, scoresGradient, queryRow, keys, column, seen);
    constexpr int kNumbers = kTile / 32 * D / 16;
    float(&numbers)[kNumbers][4] = reinterpret_cast<float(&)[kNumbers][4]>(dq);
    const Turn turn = its.turn(step, warp);
    turn.wait(through);
    if (!last) {
      turn.add(through, numbers);
      continue;
    }
    turn.sum(through, numbers);
    const int member = its.member(step);
#pragma unroll
    for (int m = 0; m < kTile / 32; m++)
      storeQueries(dq[m], to.q + heads.ofQ(member), heads, from + queryRow + 16 * m, column);
  }
  if (!last) its.turn(steps - 1, warp).end(through);

#pragma unroll
  for (int i = 0; i < kM * D / 2; i++) dk[i / (D / 2)][i / 4 % (D / 8)][i % 4] *= heads.scale;
  __syncthreads(); // nobody reads the keys any more
  storeRows<D, kM>(dk, keys, own, to.k + heads.ofK(head), heads.ldk, row, T, Dh);
  storeRows<D, kM>(dv, values, own, to.v + heads.ofV(head), heads.ldv, row, T, Dh);
}

} // namespace

void backwardByTiles(const Heads& heads, const Projected<const bf16>& of, const bf16* y, const float* lse, const bf16* dy,
                     const Projected<bf16>& to) {
  withHeadSize(heads.Dh, [&](auto size) {
    constexpr int D = decltype(size)::value;
    typedef Cut<D> C;
    const int tilesOfQueries = static_cast<int>(blocksFor(heads.T, C::kTile)), padded = tilesOfQueries * C::kTile;
    const Index members = static_cast<Index>(heads.B) * heads.H;
    const Temporary<float2> stats(members * padded);
    const SumsMemory through(members * tilesOfQueries * kWarps, C::kTile * D / kThreads);
    attentionStats(heads, padded, y, lse, dy, stats);
    launch(backwardKernel<D>, static_cast<unsigned>(heads.B * heads.KV) * blocksFor(heads.T, C::kKeys), kThreads, C::kShared,
           heads, padded, of, dy, stats, through.get(), to);
  });
}

} // namespace ilf::cuda
