// Sums of dq that pass through memory, from the block of one tile of keys to that of the next: for the backward kernels.
//
// The blocks that add to the same dq take turns (turns.h): first the one whose keys are the queries' own, on the diagonal, last
// the one of the first keys, which scales and rounds the sum. All of them begin on their diagonal and go on by a tile of queries
// at a time, so that of blocks which began in the order of their tickets, last keys first, each finds its turn come as a rule:
// the one before it in turn is a tile ahead.
//
//   tile of keys 3               a      Columns are tiles of queries, whose turns go from the diagonal down; a, b, c, d: when a
//   tile of keys 2           a   b      block gets there, if all begin at once.
//   tile of keys 1       a   b   c
//   tile of keys 0   a   b   c   d
//
// Memory: B·H·T·D float32 (T in whole tiles, D the padded head size) for the length of a call.
#pragma once
#include "attention_heads.h"
#include "mma.h"
#include "turns.h"

namespace ilf::cuda {

struct Sums {
  float* sums;  // [slots, numbers of a lane, 32]
  int* turns;   // [slots], 0 at first
  int* tickets; // 0 at first
};

// Where a block finds itself: tile of keys `keys` of head `head` of the B·KV, of `tiles` a head.
struct KeyTile {
  int head, keys;
};
__device__ __forceinline__ KeyTile takeKeyTile(const Sums& through, int tiles) {
  const int ticket = takeTicket(through.tickets);
  return {ticket / tiles, tiles - 1 - ticket % tiles};
}

// A warp's part of dq of a tile of queries, whichever block the warp is in. number: how many tiles of keys the block is from the
// diagonal.
struct Turn {
  int slot, number;

  // Adding goes on while the threads compute: the turn ends later, by end(), when that is likely to be done.
  template <int kN>
  __device__ __forceinline__ void add(const Sums& through, const float (&x)[kN][4]) const {
    float* sums = place<kN>(through);
#pragma unroll
    for (int i = 0; i < 4 * kN; i++)
      if (number == 0) sums[32 * i] = x[i / 4][i % 4];
      else atomicAdd(sums + 32 * i, x[i / 4][i % 4]); // nobody else adds now, but it need not wait for the sum so far
  }
  // Of the last turn, that of the first tile of keys: x becomes the sum.
  template <int kN>
  __device__ __forceinline__ void sum(const Sums& through, float (&x)[kN][4]) const {
    const float* sums = place<kN>(through);
    if (number > 0)
#pragma unroll
      for (int i = 0; i < 4 * kN; i++) x[i / 4][i % 4] += __ldcg(sums + 32 * i);
  }
  __device__ __forceinline__ void wait(const Sums& through) const {
    if (number > 0) waitForTurn(through.turns + slot, number);
  }
  __device__ __forceinline__ void end(const Sums& through) const { endTurn(through.turns + slot, number); }

 private:
  template <int kN>
  __device__ __forceinline__ float* place(const Sums& through) const {
    return through.sums + static_cast<Index>(slot) * kN * 128 + threadIdx.x % 32;
  }
};

// The tiles of queries that the block of a tile of keys goes over: from its diagonal on, of one head that shares the keys after
// another. kTile queries, kKeys keys, kWarps warps that add to a tile's dq.
template <int kTile, int kKeys, int kWarps>
struct QueryTiles {
  KeyTile block;
  int group; // heads that share the keys
  int all;   // tiles of queries of a head
  __device__ __forceinline__ QueryTiles(KeyTile block, const Heads& heads)
      : block(block), group(heads.group()), all((heads.T + kTile - 1) / kTile) {}

  __device__ __forceinline__ int steps() const { return group * ahead(); }
  // Of a step: the head, of the B·H, and its tile.
  __device__ __forceinline__ int member(int step) const { return block.head * group + step / ahead(); }
  __device__ __forceinline__ int tile(int step) const { return first() + step % ahead(); }
  __device__ __forceinline__ Turn turn(int step, int warp) const {
    return {(member(step) * all + tile(step)) * kWarps + warp, tile(step) * kTile / kKeys - block.keys};
  }
  // Requests the statistics of a step's queries.
  __device__ __forceinline__ void requestStats(float2* to, const float2* stats, int padded, int step) const {
    const float2* its = stats + static_cast<Index>(member(step)) * padded + tile(step) * kTile;
    if (threadIdx.x < kTile / 2) copyAsync16(to + 2 * threadIdx.x, its + 2 * threadIdx.x, true);
  }

 private:
  __device__ __forceinline__ int first() const { return block.keys * kKeys / kTile; }
  __device__ __forceinline__ int ahead() const { return all - first(); }
};

// Scales, rounds and writes a warp's dq [16,8·kN] of a head, to rows `first`.., columns from `column` on.
template <int kN>
__device__ __forceinline__ void storeQueries(const float (&x)[kN][4], bf16* dq, const Heads& heads, int first, int column) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int n = 0; n < kN; n++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int at = first + lane / 4 + 8 * half, from = column + 8 * n;
      if (at < heads.T && from < heads.Dh)
        *reinterpret_cast<unsigned*>(dq + static_cast<Index>(at) * heads.ldq + from + lane % 4 * 2) =
            packBf16(x[n][2 * half] * heads.scale, x[n][2 * half + 1] * heads.scale);
    }
}

// Memory of a call's sums: zeroed counters, for `slots` slots of `numbers` of each lane.
struct SumsMemory {
  Temporary<float> sums;
  Temporary<int> counters;
  Index slots;
  SumsMemory(Index slots, int numbers) : sums(slots * numbers * 32), counters(slots + 1), slots(slots) {
    fill(counters, 0, (slots + 1) * sizeof(int));
  }
  Sums get() const { return {sums, counters, counters + slots}; }
};

} // namespace ilf::cuda
