// The attention of a step: a block for each head of each row, or of up to four rows of one prompt. A few lanes hold a key's
// width; a warp reads several keys at once, each group of lanes with an online softmax of its own (Milakov & Gimelshein 2018);
// they are merged at the end, in a fixed order. Few rows have few blocks, of many warps, and where there are more keys than
// those read at once, several such blocks (flash decoding, Dao et al. 2023). Everything is read once, 16 bytes at a time, four
// keys deep: the cost is that of reading the cache, 37 KB a token for GPT-2 124M in bfloat16, 6 µs for a row of 512 tokens at
// an H100's 3 TB/s.
#include "kv_cache.h"

#include <algorithm>

#include "overlap.h"

namespace ilf::cuda {
namespace {

// The keys of one head of one prompt or row; its values follow.
template <class T>
__device__ __forceinline__ T* keysOf(void* memory, Index holders, Index tokens, Index heads, int padded, Index layer,
                                     Index holder, int head) {
  return static_cast<T*>(memory) + ((layer * holders + holder) * heads + head) * 2 * tokens * padded;
}

// grid: B·T
template <class T>
__global__ void store(KvCache c, int queries, int heads, int Dh, int padded, Index layer, int tokens, const int32_t* order,
                      const int32_t* lengths, const T* qkv) {
  const int prompt = order[blockIdx.x / tokens], t = blockIdx.x % tokens;
  if (t >= lengths[prompt]) return;
  const T* from = qkv + static_cast<Index>(blockIdx.x) * (queries + 2 * heads) * Dh + queries * Dh;
  constexpr int L = Pack<T>::kLength;
  const bool packs = Dh % L == 0;
  const int each = packs ? L : 1, wide = padded / each;
  for (int i = threadIdx.x; i < 2 * heads * wide; i += blockDim.x) {
    const int which = i / (heads * wide), head = i / wide % heads, d = i % wide * each;
    T* to = keysOf<T>(c.prompts, c.P, c.longest, heads, padded, layer, prompt, head) + (which * c.longest + t) * padded + d;
    const T* element = from + (which * heads + head) * Dh + d;
    if (packs) *reinterpret_cast<Pack<T>*>(to) = d < Dh ? *reinterpret_cast<const Pack<T>*>(element) : Pack<T>{};
    else *to = d < Dh ? *element : fromFloat<T>(0);
  }
}

constexpr float kLog2e = 1.4426950408889634f;

constexpr int kWarps = 4, kManyWarps = 16; // of a block: few blocks read with many each
constexpr int kMostTogether = 4;           // rows
constexpr int kMostSplits = 8;             // blocks that share a head

// What a group of lanes has seen of one row: its largest score m, Σ 2^(score − m), and the same sum of values.
template <int N>
struct Seen {
  float m = -INFINITY, sum = 0, o[N] = {};

  __device__ void scaleTo(float most) {
    const float by = m == most ? 1.f : exp2f(m - most); // not NaN while nothing is seen
    m = most;
    sum *= by;
#pragma unroll
    for (int i = 0; i < N; i++) o[i] *= by;
  }
};

// What `count` parts have seen, each its largest score, its sum and its values: of value d.
struct Merged {
  float most, sum, o;
};
template <class F>
__device__ __forceinline__ Merged merge(int count, F part, int d) {
  Merged all = {-INFINITY, 0, 0};
  for (int i = 0; i < count; i++) all.most = fmaxf(all.most, part(i)[0]);
  for (int i = 0; i < count; i++) {
    const float weight = exp2f(part(i)[0] - all.most);
    all.sum += weight * part(i)[1];
    all.o += weight * part(i)[2 + d];
  }
  return all;
}

// kLanes lanes hold a key, kPacks packs each. G: rows that attend together.
template <class T, int kLanes, int kPacks, int G>
struct Attend {
  static constexpr int L = Pack<T>::kLength, N = kPacks * L, kKeys = 32 / kLanes;
  static constexpr int kDeep = kPacks == 1 ? 4 : 1; // keys of a group at once

  // Keys [begin, count). q: in units of log₂, so that exp2f makes the softmax.
  template <int R>
  static __device__ __forceinline__ void visit(const T* keys, const T* values, int begin, int count, int padded,
                                               const float (*q)[N], Seen<N>* seen) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    const int group = lane / kLanes, offset = lane % kLanes * L;
    for (int from = begin + warp * kKeys * kDeep; from < count; from += warps * kKeys * kDeep) {
      Pack<T> k[kDeep][kPacks], v[kDeep][kPacks];
#pragma unroll
      for (int u = 0; u < kDeep; u++)
#pragma unroll
        for (int p = 0; p < kPacks; p++) {
          const int at = from + u * kKeys + group, d = p * kLanes * L + offset;
          const bool there = at < count && d < padded;
          k[u][p] = there ? *reinterpret_cast<const Pack<T>*>(keys + static_cast<Index>(at) * padded + d) : Pack<T>{};
          v[u][p] = there ? *reinterpret_cast<const Pack<T>*>(values + static_cast<Index>(at) * padded + d) : Pack<T>{};
        }
#pragma unroll
      for (int r = 0; r < R; r++) {
        float s[kDeep], most = seen[r].m;
#pragma unroll
        for (int u = 0; u < kDeep; u++) {
          float dot = 0;
#pragma unroll
          for (int p = 0; p < kPacks; p++)
#pragma unroll
            for (int j = 0; j < L; j++) dot += q[r][p * L + j] * toFloat(k[u][p].at[j]);
#pragma unroll
          for (int by = kLanes / 2; by > 0; by /= 2) dot += __shfl_xor_sync(0xffffffffu, dot, by);
          s[u] = from + u * kKeys + group < count ? dot : -INFINITY;
          most = fmaxf(most, s[u]);
        }
        seen[r].scaleTo(most);
        const float shift = most == -INFINITY ? 0.f : most; // no key yet
#pragma unroll
        for (int u = 0; u < kDeep; u++) {
          const float weight = exp2f(s[u] - shift);
          seen[r].sum += weight;
#pragma unroll
          for (int p = 0; p < kPacks; p++)
#pragma unroll
            for (int j = 0; j < L; j++) seen[r].o[p * L + j] += weight * toFloat(v[u][p].at[j]);
        }
      }
    }
  }

  // Asks for the keys and values [begin, count).
  static __device__ __forceinline__ void fetchAll(const T* keys, int begin, int count, Index tokens, int padded) {
    constexpr int kLine = 128 / sizeof(T);
    for (int i = begin * padded + threadIdx.x * kLine; i < count * padded; i += blockDim.x * kLine) {
      prefetch(keys + i);
      prefetch(keys + tokens * padded + i);
    }
  }

  static __device__ __forceinline__ void run(const KvCache& c, const StepRow* rows, int queries, int heads, int Dh,
                                             int padded, Index layer, float scale, const SplitKeys& split, const T* qkv,
                                             T* y) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    // A block is a query head's; of those that share keys, each stores the new ones, the same bytes.
    const int head = blockIdx.y, shared = head / (queries / heads), offset = lane % kLanes * L;
    const int D = queries * Dh, width = (queries + 2 * heads) * Dh;
    const StepRow first = rows[blockIdx.x];
    letNextStart();
    if (first.together == 0) return waitForPrevious();
    const Index row0 = blockIdx.x;
    const auto ownKeys = [&](int g) {
      return keysOf<T>(c.own, c.P * c.n, c.maxNew, heads, padded, layer, rows[row0 + g].row, shared);
    };
    // This block's keys, of the prompt's and then the row's own: all, or, of one row, a part.
    int begin = 0, end = INT32_MAX, splits = 1;
    if (G == 1) {
      const int total = first.length + first.added + 1, atOnce = warps * kKeys * kDeep;
      splits = min(static_cast<int>(gridDim.z), (total + atOnce - 1) / atOnce);
      const int each = (total + splits - 1) / splits;
      begin = blockIdx.z * each;
      end = begin + each;
      if (static_cast<int>(blockIdx.z) >= splits) return waitForPrevious();
    }
    const int ofPrompt = min(end, first.length), ownBegin = max(0, begin - first.length), ownEnd = end - first.length;

    // The cache is there already, but for the new tokens.
    const T* keys = keysOf<T>(c.prompts, c.P, c.longest, heads, padded, layer, first.prompt, shared);
    fetchAll(keys, begin, ofPrompt, c.longest, padded);
    for (int g = 0; g < first.together; g++)
      fetchAll(ownKeys(g), ownBegin, min(ownEnd, rows[row0 + g].added), c.maxNew, padded);
    waitForPrevious();

    float q[G][N] = {};
#pragma unroll
    for (int g = 0; g < G; g++) {
      if (g >= first.together) continue;
      const T* mine = qkv + (row0 + g) * width + head * Dh;
      const T* fresh = qkv + (row0 + g) * width + D + shared * Dh;
      T* newKey = ownKeys(g) + rows[row0 + g].added * padded;
      T* newValue = newKey + c.maxNew * padded;
      if (ownEnd > rows[row0 + g].added) // of blocks that share a head, the one that has the new token
        for (int d = threadIdx.x; d < padded; d += blockDim.x) {
          newKey[d] = d < Dh ? fresh[d] : fromFloat<T>(0);
          newValue[d] = d < Dh ? fresh[heads * Dh + d] : fromFloat<T>(0);
        }
#pragma unroll
      for (int i = 0; i < N; i++) {
        const int d = i / L * kLanes * L + offset + i % L;
        q[g][i] = d < Dh ? toFloat(mine[d]) * scale : 0.f;
      }
    }
    __syncthreads(); // the new keys and values can be read

    Seen<N> seen[G];
    visit<G>(keys, keys + c.longest * padded, begin, ofPrompt, padded, q, seen);
#pragma unroll
    for (int g = 0; g < G; g++)
      if (g < first.together) {
        const T* mine = ownKeys(g);
        visit<1>(mine, mine + c.maxNew * padded, ownBegin, min(ownEnd, rows[row0 + g].added + 1), padded, q + g, seen + g);
      }

    // Groups of a warp, then warps: [warps,G] of m, sum, values.
    float* parts = sharedMemory<float>();
    const int wide = padded + 2;
#pragma unroll
    for (int g = 0; g < G; g++) {
#pragma unroll
      for (int by = kLanes; by < 32; by *= 2) {
        Seen<N> other;
        other.m = __shfl_xor_sync(0xffffffffu, seen[g].m, by);
        other.sum = __shfl_xor_sync(0xffffffffu, seen[g].sum, by);
#pragma unroll
        for (int i = 0; i < N; i++) other.o[i] = __shfl_xor_sync(0xffffffffu, seen[g].o[i], by);
        const float most = fmaxf(seen[g].m, other.m);
        seen[g].scaleTo(most);
        other.scaleTo(most);
        seen[g].sum += other.sum;
#pragma unroll
        for (int i = 0; i < N; i++) seen[g].o[i] += other.o[i];
      }
      float* part = parts + (warp * G + g) * wide;
      if (lane == 0) {
        part[0] = seen[g].m;
        part[1] = seen[g].sum;
      }
      if (lane < kLanes)
#pragma unroll
        for (int i = 0; i < N; i++) {
          const int d = i / L * kLanes * L + offset + i % L;
          if (d < padded) part[2 + d] = seen[g].o[i];
        }
    }
    __syncthreads();
    const Index mine = (row0 * queries + head) * kMostSplits;
    for (int i = threadIdx.x; i < first.together * Dh; i += blockDim.x) {
      const int g = i / Dh, d = i % Dh;
      const Merged all = merge(warps, [&](int w) { return parts + (w * G + g) * wide; }, d);
      if (splits == 1) {
        y[(row0 + g) * D + head * Dh + d] = fromFloat<T>(all.o / all.sum);
      } else {
        float* to = split.parts + (mine + blockIdx.z) * wide;
        to[2 + d] = all.o;
        if (d == 0) {
          to[0] = all.most;
          to[1] = all.sum;
        }
      }
    }
    if (splits == 1) return;
    // The block that is done last puts the parts together, in their order.
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicAdd(split.done + row0 * queries + head, 1) == splits - 1;
    __syncthreads();
    if (!last) return;
    __threadfence();
    for (int d = threadIdx.x; d < Dh; d += blockDim.x) {
      const Merged all = merge(splits, [&](int z) { return split.parts + (mine + z) * wide; }, d);
      y[row0 * D + head * Dh + d] = fromFloat<T>(all.o / all.sum);
    }
    if (threadIdx.x == 0) split.done[row0 * queries + head] = 0;
  }
};

// Blocks of a multiprocessor at once. A block of 4 warps has 16 KB of keys and values on their way; to keep an H100's memory
// busy, a multiprocessor needs 20 KB (25 bytes a nanosecond, 0.8 µs).
constexpr int residentBlocks(int warps, int G, int packs) { return warps == kManyWarps ? 1 : G > 1 ? 4 - packs : 4; }

template <class T, int kLanes, int kPacks, int G, int kBlockWarps>
__global__ void __launch_bounds__(32 * kBlockWarps, residentBlocks(kBlockWarps, G, kPacks))
    attend(const KvCache* c, const StepRow* rows, int queries, int heads, int Dh, int padded, Index layer, float scale,
           SplitKeys split, const T* qkv, T* y) {
  Attend<T, kLanes, kPacks, G>::run(*c, rows, queries, heads, Dh, padded, layer, scale, split, qkv, y);
}

constexpr int kMostLanes = 32, kMostPacks = 2; // of a key

// Blocks that keep every multiprocessor busy with reading.
Index manyBlocks() { return 2 * multiprocessors(); }

template <class T, int kLanes, int kPacks>
void start(const KvCache* c, const StepRow* stepRows, Index rows, int together, const Heads& h, Index layer,
           const SplitKeys& split, const T* qkv, T* y) {
  const bool few = rows * h.queries < manyBlocks();
  const int warps = few ? kManyWarps : kWarps;
  const size_t shared = static_cast<size_t>(warps) * together * (h.padded() + 2) * sizeof(float);
  const dim3 grid(static_cast<unsigned>(rows), static_cast<unsigned>(h.queries), few ? kMostSplits : 1);
  const float scale = kLog2e / sqrtf(static_cast<float>(h.Dh));
  const auto kernel = together > 1 ? attend<T, kLanes, kPacks, kMostTogether, kWarps>
                      : few        ? attend<T, kLanes, kPacks, 1, kManyWarps>
                                   : attend<T, kLanes, kPacks, 1, kWarps>;
  launchEarly(kernel, grid, warps * 32, shared, c, stepRows, static_cast<int>(h.queries), static_cast<int>(h.heads),
              static_cast<int>(h.Dh), static_cast<int>(h.padded()), layer, scale, split, qkv, y);
}

} // namespace

int togetherIn(const KvCache& c, const int32_t* rows, Index R, Index padded, const Heads& h) {
  if (padded * h.queries < std::max<Index>(kMostTogether * multiprocessors(), manyBlocks())) return 1;
  Index groups = 0, size = 0;
  for (Index i = 0; i < R; i++) {
    if (i == 0 || size == kMostTogether || rows[i] / c.n != rows[i - 1] / c.n) {
      groups++;
      size = 0;
    }
    size++;
  }
  return R >= 2 * groups ? kMostTogether : 1;
}

size_t splitPartsBytes(const Heads& h) { return manyBlocks() * kMostSplits * (h.padded() + 2) * sizeof(float); }
size_t splitDoneBytes() { return manyBlocks() * sizeof(int32_t); }

bool attends(Type type, Index Dh) { return Dh <= kMostLanes * kMostPacks * (type == kFloat32 ? 4 : 8); }

void storePrompts(Type type, const KvCache& c, const Heads& h, Index layer, Index B, Index T, const int32_t* order,
                  const int32_t* lengths, const void* qkv) {
  withType(type, [&](auto t) {
    typedef decltype(t) E;
    launch(store<E>, static_cast<unsigned>(B * T), 128, 0, c, static_cast<int>(h.queries), static_cast<int>(h.heads),
           static_cast<int>(h.Dh), static_cast<int>(h.padded()), layer, static_cast<int>(T), order, lengths,
           static_cast<const E*>(qkv));
  });
}

void attendRows(Type type, const KvCache* c, const StepRow* stepRows, Index rows, int together, const Heads& h, Index layer,
                const SplitKeys& split, const void* qkv, void* y) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const T* from = static_cast<const T*>(qkv);
    T* to = static_cast<T*>(y);
    const Index packs = h.padded() / Pack<T>::kLength;
    if (packs <= 8) start<T, 8, 1>(c, stepRows, rows, together, h, layer, split, from, to);
    else if (packs <= 16) start<T, 16, 1>(c, stepRows, rows, together, h, layer, split, from, to);
    else start<T, 32, kMostPacks>(c, stepRows, rows, together, h, layer, split, from, to);
  });
}

} // namespace ilf::cuda
