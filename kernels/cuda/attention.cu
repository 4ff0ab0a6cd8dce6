// Causal self-attention on tensor cores as FlashAttention-2 (Dao 2023): tiles of queries meet tiles of keys and values in
// shared memory, scores live in registers only, memory is linear in T. Operands of products are bfloat16, the probabilities
// and the scores' gradients too; everything else is float32. The softmax is the running one, in base 2, with
// log2(e)/sqrt(Dh) folded into the exponent.
//
// A warp owns 16 or 32 rows of what it sums up and of the scores, whole rows: sums over a row stay within four lanes, and
// scores become the left operand of the second product where they are, in registers. Forward: rows are queries. Backward:
// one kernel whose rows are keys, for dk and dv, which takes the scores transposed, and one whose rows are queries, for dq.
// That is 7 products of tiles where 5 would do if blocks added to each other's dq; but then the order of the additions, and
// with it the rounding, would be chance. Here all sums are in a fixed order, which no neighbour and no later key changes.
//
// The next tile of keys and values (or of queries and dy) is copied while this one is multiplied. Tiles that the mask hides
// wholly are skipped, and only those on the diagonal are masked. A query sees no later key, so the mask also hides the zeros
// with which tiles are filled beyond T. Heads of Dh numbers are computed as 32, 64 or 128, zeros behind.
//
// Cost: 4 B·H·T²·Dh/2 flops forward, 14 backward, and about as many cycles for exponentials as for products. From memory
// come queries, keys and values once, since a head's blocks are neighbours and find its keys and values in the second-level cache. Left out:
// Hopper's wgmma and TMA (FlashAttention-3), perhaps twice as fast there, but a second code path beside Ampere's.
#include "attention.h"

#include <math.h>

#include <type_traits>

#include "attention_tiles.h"
#include "ops.h"

namespace ilf::cuda {
namespace {

constexpr int kWarps = 4, kThreads = 32 * kWarps;
constexpr float kLog2e = 1.4426950408889634f;

struct Heads {
  int T, H, KV, Dh;
  int ldq, ldk, ldv; // numbers between positions in q and dq, k and dk, v and dv
  float scale;       // 1/sqrt(Dh)

  // Numbers between positions in y and dy [B,T,H,Dh], and where head i of the B·H, or of the B·KV, begins.
  __device__ __forceinline__ int width() const { return H * Dh; }
  __device__ __forceinline__ Index ofQ(int i) const { return static_cast<Index>(i / H) * T * ldq + i % H * Dh; }
  __device__ __forceinline__ Index ofK(int i) const { return static_cast<Index>(i / KV) * T * ldk + i % KV * Dh; }
  __device__ __forceinline__ Index ofV(int i) const { return static_cast<Index>(i / KV) * T * ldv + i % KV * Dh; }
  __device__ __forceinline__ Index ofY(int i) const { return static_cast<Index>(i / H) * T * width() + i % H * Dh; }
  // Query heads that share keys and values; and whose those are of head i of the B·H.
  __device__ __forceinline__ int group() const { return H / KV; }
  __device__ __forceinline__ int shared(int i) const { return i / group(); }
};

// Queries, keys and values of a call, or their gradients: the first position's.
template <class E>
struct Projected {
  E *q, *k, *v;
};

// How the work is cut for heads of D numbers: as much as registers hold. A warp owns 16·kM rows; tiles of kTile keys, or in
// Keys of kTile queries, pass by. Left operands of small heads stay in registers, others are read again for each tile.
template <int D>
struct Cut {
  static constexpr bool kSmall = D <= 64;
  struct Forward { static constexpr int kM = 2, kTile = kSmall ? 64 : 32; };
  struct Keys { static constexpr int kM = 1, kTile = 32; };
  struct Queries { static constexpr int kM = kSmall ? 2 : 1, kTile = 32; };
};

template <class C>
constexpr int kRowsOf = 16 * C::kM * kWarps; // of a block

__device__ __forceinline__ float quadSum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}
__device__ __forceinline__ float quadMax(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

template <int D>
__global__ void __launch_bounds__(kThreads, 2) forwardKernel(Heads heads, Projected<const bf16> of, bf16* y, float* lse) {
  typedef typename Cut<D>::Forward C;
  constexpr int kM = C::kM, kTile = C::kTile, kN = kTile / 8, kRows = kRowsOf<C>;
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
  const LeftRows<D, kM, Cut<D>::kSmall> left(queries, own);

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

// What the backward kernels need of a query: {lse·log2(e), Σ dy·y}, stats [B·H,padded]; beyond T {∞, 0}, a probability of 0.
// D / 8 lanes read a row [b,t,h], the next the row after it.
template <int D>
__global__ void statsKernel(Heads heads, int padded, unsigned rows, const bf16* y, const float* lse, const bf16* dy,
                            float2* stats) {
  constexpr int kLanes = D / 8;
  const unsigned row = blockIdx.x * (kThreads / kLanes) + threadIdx.x / kLanes; // [B,padded,H]
  const int piece = threadIdx.x % kLanes, h = static_cast<int>(row % heads.H), t = static_cast<int>(row / heads.H % padded);
  const Index b = row / heads.H / padded;
  const bool valid = row < rows && t < heads.T;
  float dot = 0;
  if (valid && piece * 8 < heads.Dh) {
    const Index at = ((b * heads.T + t) * heads.H + h) * heads.Dh + piece * 8;
    const Pack<bf16> ys = *reinterpret_cast<const Pack<bf16>*>(y + at), dys = *reinterpret_cast<const Pack<bf16>*>(dy + at);
#pragma unroll
    for (int i = 0; i < 8; i++) dot += toFloat(ys.at[i]) * toFloat(dys.at[i]);
  }
#pragma unroll
  for (int lanes = kLanes / 2; lanes > 0; lanes /= 2) dot += __shfl_xor_sync(0xffffffffu, dot, lanes);
  if (piece != 0 || row >= rows) return;
  const Index head = b * heads.H + h;
  float2 result = {INFINITY, 0.f};
  if (valid) result = {lse[head * heads.T + t] * kLog2e, dot};
  stats[head * padded + t] = result;
}

// dk, dv of 64 keys: rows of p and ds are keys, columns queries, of one head that shares the keys after another.
template <int D>
__global__ void __launch_bounds__(kThreads, Cut<D>::kSmall ? 3 : 2)
    keysKernel(Heads heads, int padded, Projected<const bf16> of, const bf16* dy, const float2* stats, Projected<bf16> to) {
  typedef typename Cut<D>::Keys C;
  constexpr int kM = C::kM, kTile = C::kTile, kN = kTile / 8, kRows = kRowsOf<C>;
  const int T = heads.T, Dh = heads.Dh, tiles = (T + kRows - 1) / kRows;
  const int head = blockIdx.x / tiles, first = static_cast<int>(blockIdx.x) % tiles * kRows; // longest first
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const int own = warp * 16 * kM, row = first + own;
  const int firstTile = first / kTile, tilesOfQueries = (T + kTile - 1) / kTile - firstTile;
  bf16* keys = sharedMemory<bf16>();                                 // [kRows,D]
  bf16* values = keys + kRows * D;                                   // [kRows,D]
  bf16* queries = values + kRows * D;                                // [2,kTile,D]
  bf16* ups = queries + 2 * kTile * D;                               // [2,kTile,D], of dy
  float2* rowStats = reinterpret_cast<float2*>(ups + 2 * kTile * D); // [2,kTile]

  const int steps = heads.group() * tilesOfQueries;
  const auto request = [&](int step) {
    const int member = head * heads.group() + step / tilesOfQueries; // of the B·H
    const int from = (firstTile + step % tilesOfQueries) * kTile, into = step % 2 * kTile;
    const float2* its = stats + static_cast<Index>(member) * padded + from;
    loadTile<D, kTile, kThreads>(queries + into * D, of.q + heads.ofQ(member), heads.ldq, from, T, Dh);
    loadTile<D, kTile, kThreads>(ups + into * D, dy + heads.ofY(member), heads.width(), from, T, Dh);
    if (threadIdx.x < kTile / 2) copyAsync16(rowStats + into + 2 * threadIdx.x, its + 2 * threadIdx.x, true);
    commitCopies();
  };
  loadTile<D, kRows, kThreads>(keys, of.k + heads.ofK(head), heads.ldk, first, T, Dh);
  loadTile<D, kRows, kThreads>(values, of.v + heads.ofV(head), heads.ldv, first, T, Dh);
  request(0);
  waitForCopies<0>();
  __syncthreads();
  const LeftRows<D, kM, Cut<D>::kSmall> leftKeys(keys, own), leftValues(values, own);

  const float by = heads.scale * kLog2e;
  float dk[kM][D / 8][4] = {}, dv[kM][D / 8][4] = {};
  for (int step = 0; step < steps; step++) {
    waitForCopies<0>();
    __syncthreads(); // the tile is here, and nobody reads the last one any more
    if (step + 1 < steps) request(step + 1);
    const int used = step % 2 * kTile, from = (firstTile + step % tilesOfQueries) * kTile;
    if (row >= T || from + kTile <= row) continue; // for the whole warp
    const float4* pairs = reinterpret_cast<const float4*>(rowStats + used + 2 * t); // of the lane's columns 0 and 1
    float p[kM][kN][4], ds[kM][kN][4];
    timesTransposed(p, leftKeys, queries + used * D);
    timesTransposed(ds, leftValues, ups + used * D);
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
    const int ahead = from + 2 * t - row - g; // of the lane's first element: by how much its column comes after its row
    if (from < row + 16 * kM - 1)
#pragma unroll
      for (int m = 0; m < kM; m++)
#pragma unroll
        for (int i = 0; i < 4 * kN; i++)
          if (16 * m + i % 4 / 2 * 8 > ahead + i / 4 * 8 + i % 2) p[m][i / 4][i % 4] = ds[m][i / 4][i % 4] = 0.f;
    addTimes<D>(dv, p, ups + used * D);
    addTimes<D>(dk, ds, queries + used * D);
  }

#pragma unroll
  for (int i = 0; i < kM * D / 2; i++) dk[i / (D / 2)][i / 4 % (D / 8)][i % 4] *= heads.scale;
  storeRows<D, kM>(dk, keys, own, to.k + heads.ofK(head), heads.ldk, row, T, Dh);
  storeRows<D, kM>(dv, values, own, to.v + heads.ofV(head), heads.ldv, row, T, Dh);
}

// dq: rows of p and ds are queries.
template <int D>
__global__ void __launch_bounds__(kThreads, 2)
    queriesKernel(Heads heads, int padded, Projected<const bf16> of, const bf16* dy, const float2* stats, Projected<bf16> to) {
  typedef typename Cut<D>::Queries C;
  constexpr int kM = C::kM, kTile = C::kTile, kN = kTile / 8, kRows = kRowsOf<C>;
  const int T = heads.T, Dh = heads.Dh, tiles = (T + kRows - 1) / kRows;
  const int head = blockIdx.x / tiles, first = (tiles - 1 - static_cast<int>(blockIdx.x) % tiles) * kRows; // longest first
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const int own = warp * 16 * kM, row = first + own;
  const bf16 *k = of.k + heads.ofK(heads.shared(head)), *v = of.v + heads.ofV(heads.shared(head));
  bf16* queries = sharedMemory<bf16>(); // [kRows,D]
  bf16* ups = queries + kRows * D;      // [kRows,D], of dy
  bf16* keys = ups + kRows * D;         // [2,kTile,D]
  bf16* values = keys + 2 * kTile * D;  // [2,kTile,D]
  const int tilesOfKeys = (min(first + kRows, T) + kTile - 1) / kTile;

  const auto request = [&](int tile) {
    const int into = tile % 2 * kTile * D;
    loadTile<D, kTile, kThreads>(keys + into, k, heads.ldk, tile * kTile, T, Dh);
    loadTile<D, kTile, kThreads>(values + into, v, heads.ldv, tile * kTile, T, Dh);
    commitCopies();
  };
  loadTile<D, kRows, kThreads>(queries, of.q + heads.ofQ(head), heads.ldq, first, T, Dh);
  loadTile<D, kRows, kThreads>(ups, dy + heads.ofY(head), heads.width(), first, T, Dh);
  request(0);
  float2 rowStats[kM][2];
#pragma unroll
  for (int i = 0; i < 2 * kM; i++)
    rowStats[i / 2][i % 2] = stats[static_cast<Index>(head) * padded + row + 8 * i + g];
  waitForCopies<0>();
  __syncthreads();
  const LeftRows<D, kM, Cut<D>::kSmall> leftQueries(queries, own);
  const LeftRows<D, kM, false> leftUps(ups, own);

  const float by = heads.scale * kLog2e;
  float dq[kM][D / 8][4] = {};
  for (int tile = 0; tile < tilesOfKeys; tile++) {
    waitForCopies<0>();
    __syncthreads(); // the tile is here, and nobody reads the last one any more
    if (tile + 1 < tilesOfKeys) request(tile + 1);
    const int used = tile % 2 * kTile * D, from = tile * kTile;
    if (row >= T || from >= row + 16 * kM) continue; // for the whole warp
    float p[kM][kN][4], ds[kM][kN][4];
    timesTransposed(p, leftQueries, keys + used);
    timesTransposed(ds, leftUps, values + used);
#pragma unroll
    for (int m = 0; m < kM; m++)
#pragma unroll
      for (int i = 0; i < 4 * kN; i++) {
        const float2 its = rowStats[m][i % 4 / 2];
        ds[m][i / 4][i % 4] = exp2Fast(fmaf(p[m][i / 4][i % 4], by, -its.x)) * (ds[m][i / 4][i % 4] - its.y);
      }
    const int ahead = from + 2 * t - row - g; // of the lane's first element: by how much its column comes after its row
    if (from + kTile - 1 > row)
#pragma unroll
      for (int m = 0; m < kM; m++)
#pragma unroll
        for (int i = 0; i < 4 * kN; i++)
          if (ahead + i / 4 * 8 + i % 2 > 16 * m + i % 4 / 2 * 8) ds[m][i / 4][i % 4] = 0.f;
    addTimes<D>(dq, ds, keys + used);
  }

#pragma unroll
  for (int i = 0; i < kM * D / 2; i++) dq[i / (D / 2)][i / 4 % (D / 8)][i % 4] *= heads.scale;
  storeRows<D, kM>(dq, queries, own, to.q + heads.ofQ(head), heads.ldq, row, T, Dh);
}

// Heads of numbers of M positions that lie ldx apart, `size` of each, to heads of `stored` that lie ldy apart; zeros behind.
template <class From, class To>
__global__ void copyHeadsKernel(Index n, int heads, int size, int ldx, int stored, int ldy, const From* x, To* y) {
  const Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const int column = static_cast<int>(i % stored), head = static_cast<int>(i / stored % heads);
  const Index m = i / stored / heads;
  y[m * ldy + head * stored + column] = fromFloat<To>(column < size ? toFloat(x[m * ldx + head * size + column]) : 0.f);
}
template <class From, class To>
void copyHeads(Index M, Index heads, Index size, Index ldx, Index stored, Index ldy, const From* x, To* y) {
  const Index n = M * heads * stored;
  launch(copyHeadsKernel<From, To>, blocksFor(n, kThreads), kThreads, 0, n, static_cast<int>(heads), static_cast<int>(size),
         static_cast<int>(ldx), static_cast<int>(stored), static_cast<int>(ldy), x, y);
}

bool aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

template <class F>
void withHeadSize(Index Dh, F f) {
  if (Dh <= 32) f(std::integral_constant<int, 32>());
  else if (Dh <= 64) f(std::integral_constant<int, 64>());
  else f(std::integral_constant<int, 128>());
}

constexpr Index kLargestHead = 128; // of the tiles

struct Sizes {
  Index B, T, H, KV, Dh;
  Index M() const { return B * T; }
};

// Queries, keys and values as copies of their own: heads of `stored` numbers. For inputs, and for gradients that copyBack then
// takes to where they belong.
template <class E>
class Copies {
 public:
  Copies(const Sizes& c, Index stored)
      : c_(c), stored_(stored), q_(c.M() * c.H * stored), k_(c.M() * c.KV * stored), v_(c.M() * c.KV * stored) {}
  void take(Strided q, Strided k, Strided v) {
    const auto copy = [&](Index heads, Strided x, E* to) {
      copyHeads<bf16, E>(c_.M(), heads, c_.Dh, x.ld, stored_, heads * stored_, static_cast<const bf16*>(x.data), to);
    };
    copy(c_.H, q, q_);
    copy(c_.KV, k, k_);
    copy(c_.KV, v, v_);
  }
  // x: the numbers between positions that q, k and v have, and the gradients.
  void copyBack(Strided q, Strided k, Strided v, void* dq, void* dk, void* dv) const {
    const auto copy = [&](Index heads, const E* x, Index ld, void* to) {
      copyHeads<E, bf16>(c_.M(), heads, stored_, heads * stored_, c_.Dh, ld, x, static_cast<bf16*>(to));
    };
    copy(c_.H, q_, q.ld, dq);
    copy(c_.KV, k_, k.ld, dk);
    copy(c_.KV, v_, v.ld, dv);
  }
  Strided q() const { return {static_cast<E*>(q_), c_.H * stored_}; }
  Strided k() const { return {static_cast<E*>(k_), c_.KV * stored_}; }
  Strided v() const { return {static_cast<E*>(v_), c_.KV * stored_}; }
  Projected<E> all() const { return {q_, k_, v_}; }

 private:
  Sizes c_;
  Index stored_;
  Temporary<E> q_, k_, v_;
};

// stored: numbers of a head, a multiple of 8, of which those from Dh on are 0.
Heads headsOf(const Sizes& c, Index stored, Strided q, Strided k, Strided v) {
  const auto whole = [](Index n) { return static_cast<int>(n); };
  return {whole(c.T),  whole(c.H),  whole(c.KV), whole(stored),
          whole(q.ld), whole(k.ld), whole(v.ld), 1.f / sqrtf(static_cast<float>(c.Dh))};
}

Projected<const bf16> halvesOf(Strided q, Strided k, Strided v) {
  return {static_cast<const bf16*>(q.data), static_cast<const bf16*>(k.data), static_cast<const bf16*>(v.data)};
}

void forwardByTiles(const Sizes& c, Index stored, Strided q, Strided k, Strided v, bf16* y, float* lse) {
  withHeadSize(stored, [&](auto size) {
    constexpr int D = decltype(size)::value;
    typedef typename Cut<D>::Forward C;
    constexpr int kRows = kRowsOf<C>;
    launch(forwardKernel<D>, static_cast<unsigned>(c.B * c.H * blocksFor(c.T, kRows)), kThreads,
           (kRows + 4 * C::kTile) * D * sizeof(bf16), headsOf(c, stored, q, k, v), halvesOf(q, k, v), y, lse);
  });
}

void backwardByTiles(const Sizes& c, Index stored, Strided q, Strided k, Strided v, const bf16* y, const float* lse,
                     const bf16* dy, const Projected<bf16>& to) {
  const Heads heads = headsOf(c, stored, q, k, v);
  const Projected<const bf16> from = halvesOf(q, k, v);
  const Index padded = (c.T + 127) / 128 * 128, rows = c.B * padded * c.H; // padded: in whole tiles of either kernel
  Temporary<float2> stats(rows);
  withHeadSize(stored, [&](auto size) {
    constexpr int D = decltype(size)::value;
    typedef typename Cut<D>::Keys K;
    typedef typename Cut<D>::Queries Q;
    launch(statsKernel<D>, blocksFor(rows, kThreads / (D / 8)), kThreads, 0, heads, padded, rows, y, lse, dy, stats);
    launch(keysKernel<D>, static_cast<unsigned>(c.B * c.KV * blocksFor(c.T, kRowsOf<K>)), kThreads,
           (2 * kRowsOf<K> + 4 * K::kTile) * D * sizeof(bf16) + 2 * K::kTile * sizeof(float2), heads, padded, from, dy, stats,
           to);
    launch(queriesKernel<D>, static_cast<unsigned>(c.B * c.H * blocksFor(c.T, kRowsOf<Q>)), kThreads,
           (2 * kRowsOf<Q> + 4 * Q::kTile) * D * sizeof(bf16), heads, padded, from, dy, stats, to);
  });
}

// Whether 16 bytes can be read at a time.
bool takesPieces(Index Dh, Strided x) { return Dh % 8 == 0 && x.ld % 8 == 0 && aligned(x.data); }

} // namespace

// Heads that the tiles do not take as they are pass through copies: in rows of a multiple of 8 numbers, or, larger than
// kLargestHead, in float32.
void attentionForward(Type type, Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v, void* y,
                      float* lse) {
  if (B * T * H * Dh == 0) return;
  if (type == kFloat32) return attentionForwardByProducts(B, T, H, KV, Dh, q, k, v, static_cast<float*>(y), lse);
  const Sizes c = {B, T, H, KV, Dh};
  bf16* to = static_cast<bf16*>(y);
  if (Dh > kLargestHead) {
    Copies<float> x32(c, Dh);
    Temporary<float> y32(c.M() * H * Dh);
    x32.take(q, k, v);
    attentionForwardByProducts(B, T, H, KV, Dh, x32.q(), x32.k(), x32.v(), y32, lse);
    copyHeads<float, bf16>(c.M(), H, Dh, H * Dh, Dh, H * Dh, y32, to);
  } else if (!takesPieces(Dh, q) || !takesPieces(Dh, k) || !takesPieces(Dh, v) || !aligned(y)) {
    const Index stored = (Dh + 7) / 8 * 8;
    Copies<bf16> x(c, stored);
    Temporary<bf16> yPadded(c.M() * H * stored);
    x.take(q, k, v);
    forwardByTiles(c, stored, x.q(), x.k(), x.v(), yPadded, lse);
    copyHeads<bf16, bf16>(c.M(), H, stored, H * stored, Dh, H * Dh, yPadded, to);
  } else {
    forwardByTiles(c, Dh, q, k, v, to, lse);
  }
}

void attentionBackward(Type type, Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v,
                       const void* y, const float* lse, const void* dy, void* dq, void* dk, void* dv) {
  if (B * T * H * Dh == 0) return;
  if (type == kFloat32)
    return attentionBackwardByProducts(B, T, H, KV, Dh, q, k, v, static_cast<const float*>(y), lse,
                                       static_cast<const float*>(dy), static_cast<float*>(dq), static_cast<float*>(dk),
                                       static_cast<float*>(dv));
  const Sizes c = {B, T, H, KV, Dh};
  const bf16 *out = static_cast<const bf16*>(y), *up = static_cast<const bf16*>(dy);
  const Index D = H * Dh;
  if (Dh > kLargestHead) {
    Copies<float> x32(c, Dh), dx32(c, Dh);
    Temporary<float> y32(c.M() * D), dy32(c.M() * D);
    x32.take(q, k, v);
    copyHeads<bf16, float>(c.M(), H, Dh, D, Dh, D, out, y32);
    copyHeads<bf16, float>(c.M(), H, Dh, D, Dh, D, up, dy32);
    const Projected<float> to = dx32.all();
    attentionBackwardByProducts(B, T, H, KV, Dh, x32.q(), x32.k(), x32.v(), y32, lse, dy32, to.q, to.k, to.v);
    dx32.copyBack(q, k, v, dq, dk, dv);
  } else if (!takesPieces(Dh, q) || !takesPieces(Dh, k) || !takesPieces(Dh, v) || !aligned(y) || !aligned(dy) ||
             !aligned(dq) || !aligned(dk) || !aligned(dv)) {
    const Index stored = (Dh + 7) / 8 * 8;
    Copies<bf16> x(c, stored), dx(c, stored);
    Temporary<bf16> yPadded(c.M() * H * stored), dyPadded(c.M() * H * stored);
    x.take(q, k, v);
    copyHeads<bf16, bf16>(c.M(), H, Dh, D, stored, H * stored, out, yPadded);
    copyHeads<bf16, bf16>(c.M(), H, Dh, D, stored, H * stored, up, dyPadded);
    backwardByTiles(c, stored, x.q(), x.k(), x.v(), yPadded, lse, dyPadded, dx.all());
    dx.copyBack(q, k, v, dq, dk, dv);
  } else {
    backwardByTiles(c, Dh, q, k, v, out, lse, up, {static_cast<bf16*>(dq), static_cast<bf16*>(dk), static_cast<bf16*>(dv)});
  }
}

} // namespace ilf::cuda
