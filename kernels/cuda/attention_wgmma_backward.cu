// Attention's backward pass on Hopper's tensor cores: as attention_backward.cu, by two warpgroups of 64 keys each.
//
// A tile of queries is taken in parts of 64. While a warpgroup makes probabilities of the scores, the products that follow go
// on: the probabilities' gradient, or dv and dk of the part before. The scores' gradient, transposed, is the left operand of dk's
// product in registers, and that of dq's in shared memory, where both warpgroups' lie: dq of all the block's keys at once.
#include <math.h>

#include "attention_sums.h"
#include "attention_wgmma.h"

namespace ilf::cuda {
namespace {

constexpr int kGroups = 2, kThreads = kGroup * kGroups, kWarps = kThreads / 32, kKeys = 64 * kGroups, kPart = 64;

// Of dq of a tile of queries, each warpgroup makes [64,64]: of heads of 64 numbers one of two parts of queries, of heads of 128
// one of two panels of columns. Small heads' keys and values stay in registers (see attention_wgmma_forward.cu).
template <int D>
struct Cut {
  static constexpr int kParts = D == 64 ? 2 : 1, kTile = kParts * kPart;
  static constexpr bool kKept = D == 64;
  static constexpr size_t kShared = ((2 * kKeys + 4 * kTile) * D + kKeys * kTile) * sizeof(bf16) + 2 * kTile * sizeof(float2);
};

// 64 rows of a tile of kKeys rows as a left operand of products over their columns: a warpgroup's keys or values.
template <int D, bool kKept>
class GroupRows {
 public:
  __device__ __forceinline__ GroupRows(const bf16* tile, int row) : tile_(tile), row_(row) {}
  // Once the tile is here.
  __device__ __forceinline__ void keep() {
    if constexpr (kKept) {
      const LaneRow<64> rows(tile_, row_ + threadIdx.x % kGroup / 32 * 16 + threadIdx.x % 16, threadIdx.x % 32 / 16);
#pragma unroll
      for (int k = 0; k < 4; k++) ldmatrix4(kept_[k][0], kept_[k][1], kept_[k][2], kept_[k][3], rows.at(0, 2 * k));
    }
  }
  // c = these rows · (rows [from, from + 64) of a tile of kTile rows)ᵀ.
  template <int kTile>
  __device__ __forceinline__ void request(float (&c)[8][4], const bf16* tile, int from) const {
#pragma unroll
    for (int k = 0; k < D / 16; k++) {
      const uint64_t right = columnsOf<kTile>(tile, from, k);
      if constexpr (kKept) productAsync<false>(c, kept_[k], right, k > 0);
      else productAsync<false, false>(c, columnsOf<kKeys>(tile_, row_, k), right, k > 0);
    }
    commitProducts();
  }

 private:
  const bf16* tile_;
  int row_;
  unsigned kept_[kKept ? 4 : 1][4];
};

template <int D>
__global__ void __launch_bounds__(kThreads, 1) wgmmaBackwardKernel(Heads heads, int padded, Projected<const bf16> of,
                                                                   const bf16* dy, const float2* stats, Sums through,
                                                                   Projected<bf16> to) {
  typedef Cut<D> C;
  constexpr int kParts = C::kParts, kTile = C::kTile, kN = kPart / 8;
  const int T = heads.T, Dh = heads.Dh, tiles = (T + kKeys - 1) / kKeys;
  const QueryTiles<kTile, kKeys, kWarps> its(takeKeyTile(through, tiles), heads);
  const int head = its.block.head, first = its.block.keys * kKeys;
  const int group = threadIdx.x / kGroup, warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const int row = first + 16 * warp; // the warp's first key
  bf16* keys = swizzledMemory();                                               // [kKeys,D]
  bf16* values = keys + kKeys * D;                                             // [kKeys,D]
  bf16* queries = values + kKeys * D;                                          // [2,kTile,D]
  bf16* ups = queries + 2 * kTile * D;                                         // [2,kTile,D], of dy
  bf16* scoresGradient = ups + 2 * kTile * D;                                  // [kParts,kKeys,kPart]
  float2* rowStats = reinterpret_cast<float2*>(scoresGradient + kKeys * kTile); // [2,kTile]

  const int steps = its.steps();
  const auto request = [&](int step) {
    const int member = its.member(step), from = its.tile(step) * kTile, into = step % 2 * kTile;
    loadPanels<D, kTile, kThreads>(queries + into * D, of.q + heads.ofQ(member), heads.ldq, from, T, Dh);
    loadPanels<D, kTile, kThreads>(ups + into * D, dy + heads.ofY(member), heads.width(), from, T, Dh);
    its.requestStats(rowStats + into, stats, padded, step);
    commitCopies();
  };
  loadPanels<D, kKeys, kThreads>(keys, of.k + heads.ofK(head), heads.ldk, first, T, Dh);
  loadPanels<D, kKeys, kThreads>(values, of.v + heads.ofV(head), heads.ldv, first, T, Dh);
  request(0);
  GroupRows<D, C::kKept> leftKeys(keys, 64 * group), leftValues(values, 64 * group);
  waitForCopies<0>();
  __syncthreads();
  leftKeys.keep();
  leftValues.keep();

  const bool last = its.block.keys == 0; // in turn

  const float by = heads.scale * kLog2e;
  float dk[D / 8][4] = {}, dv[D / 8][4] = {};
  for (int step = 0; step < steps; step++) {
    const int from = its.tile(step) * kTile, used = step % 2 * kTile;
    const bf16 *itsQueries = queries + used * D, *itsUps = ups + used * D;
    waitForCopies<0>();
    showToProducts();
    __syncthreads(); // the tile is here, and nobody reads the last one, or its scores' gradient, any more
    if (step + 1 < steps) request(step + 1);
    unsigned left[kN / 2][4], leftGradient[kN / 2][4]; // p and ds, rounded
#pragma unroll
    for (int part = 0; part < kParts; part++) {
      const float4* pairs = reinterpret_cast<const float4*>(rowStats + used + part * kPart + 2 * t); // of columns 0 and 1
      float p[kN][4], ds[kN][4];
      beginProducts(p, ds);
      leftKeys.template request<kTile>(p, itsQueries, part * kPart);
      leftValues.template request<kTile>(ds, itsUps, part * kPart);
      if (part == 0 && step > 0 && !last) its.turn(step - 1, warp).end(through);
      waitForProducts<1>(p, left, leftGradient); // and for dv and dk of the last part
#pragma unroll
      for (int i = 0; i < 4 * kN; i++) {
        const float4 two = pairs[i / 4 * 4];
        p[i / 4][i % 4] = exp2Fast(fmaf(p[i / 4][i % 4], by, -(i % 2 ? two.z : two.x)));
      }
      // A query sees no later key. Of the lane's first element: by how much its column comes after its row.
      const int ahead = from + part * kPart + 2 * t - row - g;
      if (from + part * kPart < row + 15)
#pragma unroll
        for (int i = 0; i < 4 * kN; i++)
          if (i % 4 / 2 * 8 > ahead + i / 4 * 8 + i % 2) p[i / 4][i % 4] = 0.f;
      roundToLeft(left, p);
      waitForProducts<0>(ds);
#pragma unroll
      for (int i = 0; i < 4 * kN; i++) {
        const float4 two = pairs[i / 4 * 4];
        ds[i / 4][i % 4] = p[i / 4][i % 4] * (ds[i / 4][i % 4] - (i % 2 ? two.w : two.y));
      }
      roundToLeft(leftGradient, ds);
      roundToTile<64>(reinterpret_cast<const float(&)[1][kN][4]>(ds), scoresGradient + part * kKeys * kPart, 16 * warp, 0);
      beginProducts(dv, dk, left, leftGradient);
#pragma unroll
      for (int k = 0; k < kPart / 16; k++) productAsync<true>(dv, left[k], rowsOf<kTile>(itsUps, part * kPart + 16 * k), 1);
#pragma unroll
      for (int k = 0; k < kPart / 16; k++)
        productAsync<true>(dk, leftGradient[k], rowsOf<kTile>(itsQueries, part * kPart + 16 * k), 1);
      commitProducts();
    }
    showToProducts();
    __syncthreads(); // the scores' gradient is whole

    // dq of the part's queries, or of the panel's columns.
    const int part = kParts > 1 ? group : 0, panel = kParts > 1 ? 0 : group;
    float dq[8][4];
    beginProducts(dq);
#pragma unroll
    for (int k = 0; k < kKeys / 16; k++)
      productAsync<true, true>(dq, rowsOf<kKeys>(scoresGradient, 16 * k, part), rowsOf<kKeys>(keys, 16 * k, panel), k > 0);
    commitProducts();
    const Turn turn = its.turn(step, warp);
    turn.wait(through);
    waitForProducts<0>(dq, dv, dk, left, leftGradient);
    if (!last) {
      turn.add(through, dq);
      continue;
    }
    turn.sum(through, dq);
    const int member = its.member(step);
    storeQueries(dq, to.q + heads.ofQ(member), heads, from + part * kPart + warp % 4 * 16, panel * 64);
  }
  if (!last) its.turn(steps - 1, warp).end(through);

#pragma unroll
  for (int i = 0; i < D / 2; i++) dk[i / 4][i % 4] *= heads.scale;
  __syncthreads(); // nobody reads the keys and values any more
#pragma unroll
  for (int panel = 0; panel < D / 64; panel++) {
    const int at = panel * kKeys * 64, column = panel * 64;
    storeRows<64, 1>(reinterpret_cast<const float(&)[1][8][4]>(dk[8 * panel]), keys + at, 16 * warp,
                     to.k + heads.ofK(head) + column, heads.ldk, row, T, Dh - column);
    storeRows<64, 1>(reinterpret_cast<const float(&)[1][8][4]>(dv[8 * panel]), values + at, 16 * warp,
                     to.v + heads.ofV(head) + column, heads.ldv, row, T, Dh - column);
  }
}

} // namespace

void backwardByWgmma(const Heads& heads, const Projected<const bf16>& of, const bf16* y, const float* lse, const bf16* dy,
                     const Projected<bf16>& to) {
  const auto run = [&](auto size) {
    constexpr int D = decltype(size)::value;
    typedef Cut<D> C;
    const int tilesOfQueries = static_cast<int>(blocksFor(heads.T, C::kTile)), padded = tilesOfQueries * C::kTile;
    const Index members = static_cast<Index>(heads.B) * heads.H;
    const Temporary<float2> stats(members * padded);
    const SumsMemory through(members * tilesOfQueries * kWarps, C::kTile * D / kThreads);
    attentionStats(heads, padded, y, lse, dy, stats);
    launch(wgmmaBackwardKernel<D>, static_cast<unsigned>(heads.B * heads.KV) * blocksFor(heads.T, kKeys), kThreads, C::kShared,
           heads, padded, of, dy, stats, through.get(), to);
  };
  if (heads.Dh <= 64) run(std::integral_constant<int, 64>());
  else run(std::integral_constant<int, 128>());
}

} // namespace ilf::cuda
