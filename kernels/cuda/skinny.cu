// Products of 9 to 64 rows: too few for the library's kernels to be bound by anything but reading weights and by starting, too
// many for dot products.
//
// A warp computes 32 outputs, as rows of mma's first operand, for all rows of its block, its second operand's columns.
// Weights go from memory to the registers that mma reads them from: which k comes first in a sum is of no matter, so a lane's
// 16 bytes of a row of weights are four numbers of each of two products, and the rows are read from shared memory in the same
// order. The first weights are asked for before the kernel waits for the one before it.
//
// Few outputs: the 8 warps of a block share 32 of them, each a stretch of K, and rows come by 32 a block, so that a block reads
// as much of its rows as of its weights (48 KB each at K = 768) and a layer of 768 to 3,072 outputs fills 132 multiprocessors.
// Where outputs are fewer still, several blocks share them, each a stretch of K; the last one adds their sums, in their order.
// Many outputs (the vocabulary): each warp has 32 of its own, and up to 64 rows, so that weights are read once.
//
// The norm is computed by every block, for the rows that it reads in any case. For 32 rows of 768 that is 4 rows a warp, about
// 1 µs, for all blocks at the same time; a kernel that norms writes and reads the rows once more, starts and ends: about 2 µs.
#include "skinny.h"

#include <algorithm>

#include "gelu.h"
#include "mma.h"
#include "norm_row.h"
#include "overlap.h"

namespace ilf::cuda {
namespace {

constexpr int kWarps = 8, kThreads = 32 * kWarps;
constexpr int kTile = 32;                 // outputs of a warp
constexpr int kChunk = 32;                // of K: two products
constexpr int kStretch = kWarps * kChunk; // of K, that blocks share in whole ones
constexpr int kApart = kTile + 4;         // floats between a row's sums in shared memory, so that a warp's do not share banks

// Elements between rows in shared memory: a quarter of a warp reads two of them at once, from all banks.
__host__ __device__ constexpr int rowStride(int n) { return (n + 63) / 64 * 64 + 32; }

// y[r,n] from the sum of products.
__device__ __forceinline__ void finish(const FewRows& f, Index r, Index n, float value) {
  const Index N = f.weights.N, at = r * N + n;
  if (r >= f.rows || n >= N) return;
  if (f.weights.bias) value += f.weights.bias[n];
  if (f.act == 1) value = gelu(value);
  if (f.residual) value += toFloat(static_cast<const bf16*>(f.residual)[at]);
  if (f.floats) static_cast<float*>(f.y)[at] = value;
  else static_cast<bf16*>(f.y)[at] = fromFloat<bf16>(value);
}

// kColumns: columns of 8 rows that a block has. kWhole: a warp sums over all of K for 32 outputs of its own; else a block's
// warps share 32, and blocks share K in stretches of `each`. grid: blocks of rows, of outputs, of K
template <int kColumns, bool kWhole>
__global__ void __launch_bounds__(kThreads, 2) multiplySkinny(FewRows f, int each, SplitSums sums) {
  constexpr int kRows = 8 * kColumns, kDeep = kColumns == 8 ? 2 : 3; // chunks of weights on their way
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
  const int N = static_cast<int>(f.weights.N), K = static_cast<int>(f.weights.K), ld = static_cast<int>(f.weights.ld);
  const Index row0 = static_cast<Index>(blockIdx.x) * kRows;
  const int k0 = static_cast<int>(blockIdx.z) * each, length = min(each, K - k0);
  const int chunks = (length + kChunk - 1) / kChunk, stride = rowStride(length);
  bf16* rows = sharedMemory<bf16>(); // [kRows,stride]
  float *gamma = reinterpret_cast<float*>(rows + kRows * stride), *beta = gamma + ld; // [ld], where there are

  const int n0 = static_cast<int>(kWhole ? blockIdx.y * kWarps + warp : blockIdx.y) * kTile;
  const int first = kWhole ? 0 : warp * chunks / kWarps, end = kWhole ? chunks : (warp + 1) * chunks / kWarps;
  const bf16* w = static_cast<const bf16*>(f.weights.w) + (n0 + g) * static_cast<Index>(ld) + k0 + 8 * t;
  const int outputs = N - n0 - g, width = ld - k0 - 8 * t; // what there is from w on
  const auto fetch = [&](int chunk, uint4(&to)[4]) {
    const bool there = chunk < end && chunk * kChunk < width;
#pragma unroll
    for (int i = 0; i < 4; i++)
      to[i] = there && 8 * i < outputs ? *reinterpret_cast<const uint4*>(w + 8 * i * ld + chunk * kChunk)
                                       : uint4{0, 0, 0, 0};
  };

  uint4 weights[kDeep][4];
#pragma unroll
  for (int u = 0; u < kDeep; u++) fetch(first + u, weights[u]);
  letNextStart();
  if (f.norm.gamma)
    for (int k = 4 * threadIdx.x; k < ld; k += 4 * kThreads) {
      *reinterpret_cast<Pack<float>*>(gamma + k) = *reinterpret_cast<const Pack<float>*>(f.norm.gamma + k);
      if (f.norm.beta) *reinterpret_cast<Pack<float>*>(beta + k) = *reinterpret_cast<const Pack<float>*>(f.norm.beta + k);
    }
  waitForPrevious();
  for (int r = warp; r < kRows; r += kWarps) {
    const bf16* from = static_cast<const bf16*>(f.x) + (row0 + r) * K + k0;
    const bool there = row0 + r < f.rows;
    bf16* to = rows + r * stride;
    if (K % 8 == 0)
      for (int k = 8 * lane; k < chunks * kChunk; k += 8 * 32) copyAsync16(to + k, from + k, there && k < length);
    else
      for (int k = lane; k < chunks * kChunk; k += 32) to[k] = there && k < length ? from[k] : fromFloat<bf16>(0);
  }
  commitCopies();
  waitForCopies<0>();
  __syncthreads();
  if (f.norm.gamma) {
    for (int r = warp; r < kRows && row0 + r < f.rows; r += kWarps)
      normRow<1>(K, f.norm.isRms, f.norm.eps, rows + r * stride, gamma, f.norm.beta ? beta : nullptr);
    __syncthreads();
  }

  float sum[2][kColumns][4] = {}; // of outputs n0 + 16·j + g, + 8, by rows 8·column + 2t, + 1; see mma.h
  for (int from = first; from < end; from += kDeep)
#pragma unroll
    for (int u = 0; u < kDeep; u++) {
      if (from + u < end) {
        const uint4(&a)[4] = weights[u];
#pragma unroll
        for (int column = 0; column < kColumns; column++) {
          const uint4 b = *reinterpret_cast<const uint4*>(rows + (8 * column + g) * stride + (from + u) * kChunk + 8 * t);
#pragma unroll
          for (int j = 0; j < 2; j++) {
            mma16816(sum[j][column], {a[2 * j].x, a[2 * j + 1].x, a[2 * j].y, a[2 * j + 1].y}, {b.x, b.y});
            mma16816(sum[j][column], {a[2 * j].z, a[2 * j + 1].z, a[2 * j].w, a[2 * j + 1].w}, {b.z, b.w});
          }
        }
      }
      fetch(from + u + kDeep, weights[u]);
    }
  // each(row of the block, output of the warp, its sum)
  const auto forSums = [&](auto each) {
#pragma unroll
    for (int j = 0; j < 2; j++)
#pragma unroll
      for (int column = 0; column < kColumns; column++)
#pragma unroll
        for (int i = 0; i < 4; i++) each(8 * column + 2 * t + i % 2, 16 * j + 8 * (i / 2) + g, sum[j][column][i]);
  };
  if (kWhole) return forSums([&](int r, int n, float value) { finish(f, row0 + r, n0 + n, value); });

  float* merged = sharedMemory<float>(); // [warp,kRows,kApart]
  __syncthreads();                       // the rows have been read
  forSums([&](int r, int n, float value) { merged[(warp * kRows + r) * kApart + n] = value; });
  __syncthreads();
  const int tile = static_cast<int>(blockIdx.y * gridDim.x + blockIdx.x), splits = static_cast<int>(gridDim.z);
  float* parts = sums.parts + static_cast<Index>(tile) * splits * kRows * kTile; // [split,kRows,kTile]
  for (int i = threadIdx.x; i < kRows * kTile; i += kThreads) {
    const int r = i / kTile, n = i % kTile;
    float total = 0;
    for (int from = 0; from < kWarps; from++) total += merged[(from * kRows + r) * kApart + n];
    if (splits == 1) finish(f, row0 + r, n0 + n, total);
    else parts[static_cast<int>(blockIdx.z) * kRows * kTile + i] = total;
  }
  if (splits == 1) return;
  // The block that is done last adds.
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicAdd(sums.done + tile, 1) == splits - 1;
  __syncthreads();
  if (!last) return;
  __threadfence();
  for (int i = threadIdx.x; i < kRows * kTile; i += kThreads) {
    float total = 0;
    for (int split = 0; split < splits; split++) total += parts[split * kRows * kTile + i];
    finish(f, row0 + i / kTile, n0 + i % kTile, total);
  }
  if (threadIdx.x == 0) sums.done[tile] = 0;
}

Index tilesOf(const Weights& w) { return (w.N + kTile - 1) / kTile; }

// Whether each warp has outputs of its own.
bool whole(const Weights& w) { return tilesOf(w) >= 4 * multiprocessors(); }

// Bytes for rows; a multiprocessor of an A100 has 164 KB.
size_t mostShared() { return sharedUpTo(160 << 10); }

size_t sharedBytes(int rows, const Weights& w, Index each, bool normed) {
  const size_t read = static_cast<size_t>(rows) * rowStride(static_cast<int>(each)) * sizeof(bf16);
  const size_t all = read + (normed ? 2 * w.ld * sizeof(float) : 0);
  return whole(w) ? all : std::max(all, static_cast<size_t>(kWarps) * rows * kApart * sizeof(float));
}

// Of K, what a block has. As for 64 rows where there are fewer, so that these have the same sums.
Index stretch(const Weights& w, bool normed) {
  if (normed || whole(w)) return w.K;
  const Index all = (w.K + kStretch - 1) / kStretch, wanted = 2 * multiprocessors() / (2 * tilesOf(w));
  Index splits = std::min(std::max<Index>(wanted, 1), all);
  while (splits < all && sharedBytes(32, w, (all + splits - 1) / splits * kStretch, false) > mostShared()) splits++;
  return std::min(w.K, (all + splits - 1) / splits * kStretch);
}

Index splitsOf(const Weights& w, bool normed) {
  const Index each = stretch(w, normed);
  return (w.K + each - 1) / each;
}

template <int kColumns, bool kWhole>
void start(const FewRows& f, const SplitSums& sums) {
  constexpr int kRows = 8 * kColumns;
  const bool normed = f.norm.gamma;
  const Index each = stretch(f.weights, normed), tiles = tilesOf(f.weights);
  const dim3 grid(blocksFor(f.rows, kRows), blocksFor(tiles, kWhole ? kWarps : 1),
                  static_cast<unsigned>(splitsOf(f.weights, normed)));
  launchEarly(multiplySkinny<kColumns, kWhole>, grid, kThreads, sharedBytes(kRows, f.weights, each, normed), f,
              static_cast<int>(each), sums);
}

} // namespace

Index splitSumsParts(const Weights& w) { return 2 * tilesOf(w) * splitsOf(w, false) * 32 * kTile; }
Index splitSumsDone(const Weights& w) { return 2 * tilesOf(w); }

bool isSkinny(Type type, Index rows, const Weights& w, bool normed) {
  return type == kBfloat16 && rows > kFewRows && rows <= kSkinnyRows &&
         sharedBytes(32, w, stretch(w, normed), normed) <= mostShared();
}

void skinnyRows(const FewRows& f, const SplitSums& sums) {
  const bool all = whole(f.weights);
  if (f.rows <= 16) return all ? start<2, true>(f, sums) : start<2, false>(f, sums);
  const bool wide = f.rows > 32 && all && sharedBytes(64, f.weights, f.weights.K, f.norm.gamma) <= mostShared();
  if (wide) start<8, true>(f, sums);
  else all ? start<4, true>(f, sums) : start<4, false>(f, sums);
}

} // namespace ilf::cuda
