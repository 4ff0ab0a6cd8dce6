// One token from one row of logits, by one block. Filters as in kernels/cpu/sample.cc: temperature, then top-k, where ties
// with the k-th largest logit stay, then top-p: a token stays while those above it have less than topP of the probability
// (of equal ones, those of lower index are above). Then the inverse of the cumulative distribution in token order.
//
// Nothing is sorted. A filter needs the least logit that stays, and bisection of its bit pattern finds that in at most 32
// sums over the block. To make them short, one pass over the vocabulary first sums what is above a few levels below the
// largest logit; what is above the first level that surely holds all that stays is copied, in token order, to shared memory,
// and everything after that looks at these few. Where they are too many (a flat distribution) it looks at the whole row, some
// five times as slow. All sums are of a fixed order: the same logits and uniform number give the same token. V = 50,257 is
// four or five passes over 200 KB by one multiprocessor, which keeps the row in shared memory where it fits (GPT-2's does on
// Hopper): 10 to 15 µs.
#pragma once
#include "device.h"

namespace ilf::cuda {

struct Filters {
  float temperature; // 0: argmax
  float topP;        // 1: off
  Index topK;        // 0: off
};

constexpr int kSampleThreads = 1024; // at most
constexpr int kCandidates = 3072;
constexpr int kSampleStatic = 29 << 10; // bytes of shared memory that sampleRow declares, at most

// Threads of a block that samples: few for a small vocabulary.
inline unsigned sampleThreads(Index V) {
  const Index wanted = (V + 127) / 128 * 32;
  return static_cast<unsigned>(wanted < kSampleThreads ? wanted : kSampleThreads);
}

// Bytes of dynamic shared memory for a copy of the row, 0 where it does not fit.
size_t sampleShared(Index V);

#if defined(__CUDACC__) || defined(ILF_EMULATED)

// Floats in order as integers in order, and back.
__device__ __forceinline__ int keyOf(float x) {
  const int bits = __float_as_int(x);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}
__device__ __forceinline__ float valueOf(int key) { return __int_as_float(key ^ ((key >> 31) & 0x7fffffff)); }

// The least integer in [low, high] that qualifies, as all above it do; `high` is taken to. The same in every thread, of
// which all call qualifies().
template <class F>
__device__ int leastThat(int low, int high, F qualifies) {
  while (low < high) {
    const int middle = static_cast<int>((static_cast<int64_t>(low) + high) >> 1);
    if (qualifies(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

// Largest over the block; `slot` is shared.
__device__ __forceinline__ int blockMaxOf(int x, int* slot) {
  __syncthreads();
  if (threadIdx.x == 0) *slot = INT32_MIN;
  __syncthreads();
  if (x != INT32_MIN) atomicMax(slot, x);
  __syncthreads();
  return *slot;
}

// Sum of what is below this thread, in the order of threads, and over all of them.
struct Scan {
  double before, total;
};
__device__ __forceinline__ double warpScan(double x) { // up to and including this lane
  for (unsigned by = 1; by < 32; by *= 2) {
    const double other = __shfl_up_sync(0xffffffffu, x, by);
    if (threadIdx.x % 32 >= by) x += other;
  }
  return x;
}
__device__ __forceinline__ Scan blockScan(double x) {
  __shared__ double parts[33];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  const double upTo = warpScan(x);
  __syncthreads();
  if (lane == 31) parts[warp] = upTo;
  __syncthreads();
  if (warp == 0) {
    const double mine = lane < warps ? parts[lane] : 0., inclusive = warpScan(mine);
    __syncwarp();
    parts[lane] = inclusive - mine;
    if (lane == 31) parts[32] = inclusive;
  }
  __syncthreads();
  return {parts[warp] + (upTo - x), parts[32]};
}

// The logits that take part, and which of them stay.
struct Candidates {
  const float* x;
  const int32_t* ids; // null: x is the whole row
  int n;
  float top, inverse; // largest logit; 1 / temperature
  float least;        // what is below it does not stay
  int lastTie;        // of what equals it, what comes after this place does not

  __device__ bool stays(int i) const { return x[i] > least || (x[i] == least && i <= lastTie); }
  __device__ float p(int i) const { return __expf((x[i] - top) * inverse); }
};

template <class F>
__device__ __forceinline__ float sumOver(int n, F each) {
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) sum += each(i);
  return blockSum(sum);
}

// Levels below the largest logit, as multiples of the temperature, or plain where a number of tokens is wanted.
constexpr int kLevels = 4;
__device__ __forceinline__ float depthOf(int level) { return level == 0 ? 2.f : level == 1 ? 4.f : level == 2 ? 7.f : 11.f; }

// Finds what is worth looking at: fills `values` and `ids` (kCandidates, shared) where all that stays fits in there, and
// *total with the sum of all p, for top-p alone. Returns the least logit among the candidates, or less.
__device__ inline float chooseCandidates(Candidates& c, const Filters& f, bool byCount, float* values, int32_t* ids,
                                         float* total) {
  __shared__ int offsets[33];
  const int V = c.n, lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  float at[kLevels], above[kLevels] = {}, all = 0;
  for (int j = 0; j < kLevels; j++) at[j] = c.top - depthOf(j) * (byCount ? 1.f : f.temperature);
  for (int i = threadIdx.x; i < V; i += blockDim.x) {
    const float x = c.x[i], amount = byCount ? 1.f : c.p(i);
    all += amount;
    for (int j = 0; j < kLevels; j++)
      if (x >= at[j]) above[j] += amount;
  }
  *total = blockSum(all);
  // A little more than is wanted, as sums in another order differ.
  const float wanted = byCount ? static_cast<float>(f.topK) : f.topP * *total * 1.00001f;
  float level = -INFINITY;
  for (int j = kLevels - 1; j >= 0; j--)
    if (blockSum(above[j]) >= wanted) level = at[j];
  if (!(level > -INFINITY)) return -INFINITY;
  // Each warp copies from a stretch of its own, after those before it.
  const int stretch = ((V + warps - 1) / warps + 31) / 32 * 32, from = warp * stretch;
  const int to = from + stretch < V ? from + stretch : V;
  int mine = 0;
  for (int i = from; i < to; i += 32) mine += __popc(__ballot_sync(0xffffffffu, i + lane < to && c.x[i + lane] >= level));
  __syncthreads();
  if (lane == 0) offsets[warp] = mine;
  __syncthreads();
  if (threadIdx.x == 0) {
    int sum = 0;
    for (int w = 0; w < warps; w++) {
      const int n = offsets[w];
      offsets[w] = sum;
      sum += n;
    }
    offsets[32] = sum;
  }
  __syncthreads();
  if (offsets[32] > kCandidates) return -INFINITY;
  int next = offsets[warp];
  for (int i = from; i < to; i += 32) {
    const bool kept = i + lane < to && c.x[i + lane] >= level;
    const unsigned which = __ballot_sync(0xffffffffu, kept);
    if (kept) {
      const int place = next + __popc(which & ((1u << lane) - 1));
      values[place] = c.x[i + lane];
      ids[place] = i + lane;
    }
    next += __popc(which);
  }
  c.x = values;
  c.ids = ids;
  c.n = offsets[32];
  __syncthreads();
  return level;
}

// Sets c.least and c.lastTie.
__device__ inline void filter(Candidates& c, const Filters& f, float* values, int32_t* ids) {
  const bool byCount = f.topK > 0 && f.topK < c.n, nucleus = f.topP < 1;
  c.least = -INFINITY;
  c.lastTie = c.n;
  if (!byCount && !nucleus) return;
  float total;
  int low = keyOf(chooseCandidates(c, f, byCount, values, ids, &total));
  c.lastTie = c.n;
  const int high = keyOf(c.top);
  if (byCount) {
    const float k = static_cast<float>(f.topK);
    low = leastThat(low, high, [&](int key) {
      const float v = valueOf(key);
      return sumOver(c.n, [&](int i) { return c.x[i] > v ? 1.f : 0.f; }) < k;
    });
    c.least = valueOf(low);
  }
  if (!nucleus) return;
  if (byCount) total = sumOver(c.n, [&](int i) { return c.x[i] >= c.least ? c.p(i) : 0.f; });
  const double wanted = static_cast<double>(f.topP) * total;
  const auto above = [&](float v) { return sumOver(c.n, [&](int i) { return c.x[i] > v ? c.p(i) : 0.f; }); };
  c.least = valueOf(leastThat(low, high, [&](int key) { return above(valueOf(key)) < wanted; }));
  // Of what equals that, only so many stay.
  const float each = __expf((c.least - c.top) * c.inverse);
  const float ties = sumOver(c.n, [&](int i) { return c.x[i] == c.least ? 1.f : 0.f; });
  const double enough = ceil((wanted - above(c.least)) / each);
  if (!(each > 0) || !(enough < ties)) return;
  const float kept = enough > 1 ? static_cast<float>(enough) : 1.f;
  c.lastTie = leastThat(0, c.n - 1, [&](int last) {
    return sumOver(last + 1, [&](int i) { return c.x[i] == c.least ? 1.f : 0.f; }) >= kept;
  });
}

// The place at which the running sum of what stays passes `uniform` of the whole; the last possible one if rounding keeps it
// below; −1 where none is possible.
__device__ inline int invert(const Candidates& c, float uniform) {
  __shared__ float sums[kSampleThreads];
  __shared__ double before;
  __shared__ int first, last, token;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32, threads = blockDim.x;
  const int length = ((c.n + threads - 1) / threads + 31) / 32 * 32; // of a part: a thread's share, whole warps
  const auto weight = [&](int i) { return i < c.n && c.stays(i) ? c.p(i) : 0.f; };
  for (int part = warp; part < threads; part += warps) {
    float sum = 0;
    for (int i = part * length; i < (part + 1) * length && i < c.n; i += 32) sum += weight(i + lane);
    sum = warpSum(sum);
    if (lane == 0) sums[part] = sum;
  }
  __syncthreads();
  const float mine = sums[threadIdx.x];
  const Scan scan = blockScan(mine);
  const double wanted = static_cast<double>(uniform) * scan.total;
  const int me = threadIdx.x;
  int part = -blockMaxOf(mine > 0 && scan.before + mine > wanted ? -me : INT32_MIN, &first);
  const int lastPart = blockMaxOf(mine > 0 ? me : -1, &last);
  if (lastPart < 0) return -1;
  if (part < 0 || part > lastPart) part = lastPart;
  if (me == part) before = scan.before;
  __syncthreads();
  if (warp == 0) {
    double sum = before;
    int at = -1;
    for (int i = part * length; i < (part + 1) * length; i += 32) {
      const double p = weight(i + lane), upTo = warpScan(p);
      const unsigned possible = __ballot_sync(0xffffffffu, p > 0);
      const unsigned passed = __ballot_sync(0xffffffffu, p > 0 && sum + upTo > wanted);
      if (possible) at = i + 31 - __clz(static_cast<int>(possible));
      if (passed) {
        at = i + __ffs(static_cast<int>(passed)) - 1;
        break;
      }
      sum += __shfl_sync(0xffffffffu, upTo, 31);
    }
    if (lane == 0) token = at;
  }
  __syncthreads();
  return token;
}

// By all threads of a block of sampleThreads(V). copy: sampleShared(V) bytes of shared memory, or null.
__device__ inline void sampleRow(int V, const float* logits, const Filters& f, float uniform, float* copy, int32_t* token,
                                 float* logprob) {
  __shared__ float values[kCandidates];
  __shared__ int32_t ids[kCandidates];
  __shared__ int slot;
  float top = -INFINITY;
#pragma unroll 8
  for (int i = threadIdx.x; i < V; i += blockDim.x) {
    const float x = logits[i];
    if (copy) copy[i] = x;
    top = fmaxf(top, x);
  }
  top = blockMax(top);
  __syncthreads();
  Candidates c = {copy ? copy : logits, nullptr, V, top, 0, 0, 0};
  const float* row = c.x;
  const float sum = sumOver(V, [&](int i) { return __expf(row[i] - top); });
  int drawn = -1;
  if (f.temperature != 0) {
    c.inverse = 1.f / f.temperature;
    filter(c, f, values, ids);
    drawn = invert(c, uniform);
    if (drawn >= 0 && c.ids) drawn = c.ids[drawn];
  }
  if (drawn < 0) { // the first of the largest; also where no number is usable, or only infinitely low ones
    int place = V;
    for (int i = threadIdx.x; i < V && place == V; i += blockDim.x)
      if (row[i] == top) place = i;
    drawn = -blockMaxOf(-place, &slot);
    if (drawn >= V) drawn = 0;
  }
  if (threadIdx.x == 0) {
    *token = drawn;
    *logprob = row[drawn] - (top + logf(sum));
  }
}

#endif

} // namespace ilf::cuda
