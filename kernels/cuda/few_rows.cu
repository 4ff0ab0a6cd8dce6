// Products of at most 8 rows. Each weight is read once, by 16-byte loads that are in flight before the rows are even there: a
// block asks for its first weights, then waits for the kernel before it, brings the rows into shared memory and norms them
// (each block for itself, which is cheaper than a kernel for it), then multiplies while the next weights are on their way. A
// warp computes one or two outputs for all rows. A layer of GPT-2 124M is 14 MB in bfloat16: about 5 µs at an H100's 3 TB/s,
// less than starting its kernels one after another takes.
#include "few_rows.h"

#include <algorithm>

#include "gelu.h"
#include "norm_row.h"
#include "overlap.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr size_t kMostShared = 128 << 10; // bytes of rows and of what norms them; a multiprocessor of an A100 has 164 KB

// `threads` copy rows [rows,n] to rows that lie ld apart, with zeros behind n; kDeep packs of each are on their way at once.
// Both addresses are aligned to 16 bytes.
template <int kDeep, class T>
__device__ __forceinline__ void copyRows(int rows, int n, int ld, const T* from, T* to, int thread, int threads) {
  constexpr int L = Pack<T>::kLength;
  if (n == ld) {
    const int packs = rows * n / L;
#pragma unroll 1
    for (int first = thread; first < packs; first += kDeep * threads) {
      Pack<T> p[kDeep];
#pragma unroll
      for (int i = 0; i < kDeep; i++)
        if (first + i * threads < packs) p[i] = reinterpret_cast<const Pack<T>*>(from)[first + i * threads];
#pragma unroll
      for (int i = 0; i < kDeep; i++)
        if (first + i * threads < packs) reinterpret_cast<Pack<T>*>(to)[first + i * threads] = p[i];
    }
  } else {
#pragma unroll 1
    for (int i = thread; i < rows * ld; i += threads) to[i] = i % ld < n ? from[i / ld * n + i % ld] : fromFloat<T>(0);
  }
}

// Sums of each of N values (a power of two up to 32) over a warp, by halving: lane l has that of value l / (32 / N). N + 4
// exchanges at most instead of 5·N.
template <int N, int kLanes = 16>
__device__ __forceinline__ float warpSums(const float (&v)[N]) {
  if constexpr (N > 1) {
    const bool upper = threadIdx.x % 32 & kLanes;
    float half[N / 2];
#pragma unroll
    for (int i = 0; i < N / 2; i++) {
      const float mine = upper ? v[i + N / 2] : v[i], other = upper ? v[i] : v[i + N / 2];
      half[i] = mine + __shfl_xor_sync(0xffffffffu, other, kLanes);
    }
    return warpSums<N / 2, kLanes / 2>(half);
  } else {
    float sum = v[0];
    for (int lanes = kLanes; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, lanes);
    return sum;
  }
}

// A warp's next weights: kDeep packs for each lane, of C columns.
constexpr int kDeep = 4;

// Blocks of a multiprocessor at once. Three of those whose warps compute one output: GPT-2 124M's layers are one wave each.
constexpr int residentBlocks(int C) { return C == 1 ? 3 : 2; }

template <class T, int R, int C>
__global__ void __launch_bounds__(kThreads, residentBlocks(C)) multiplyFew(FewRows f) {
  constexpr int L = Pack<T>::kLength, U = kDeep / C;
  constexpr int kStep = 32 * L * U; // of a row of weights
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int N = static_cast<int>(f.weights.N), K = static_cast<int>(f.weights.K), ld = static_cast<int>(f.weights.ld);
  const T* w = static_cast<const T*>(f.weights.w);
  const T* x = static_cast<const T*>(f.x);
  T* rows = sharedMemory<T>(); // [R,ld]
  float *gamma = reinterpret_cast<float*>(rows + R * ld), *beta = gamma + ld; // [ld], where there are

  struct Place {
    int n, k;
  };
  const int apart = static_cast<int>(gridDim.x) * kWarps * C;
  const auto after = [&](Place p) { return p.k + kStep < ld ? Place{p.n, p.k + kStep} : Place{p.n + apart, 0}; };
  const auto fetch = [&](Place p, Pack<T>(&to)[U][C]) {
#pragma unroll
    for (int u = 0; u < U; u++)
#pragma unroll
      for (int c = 0; c < C; c++) {
        const int k = p.k + (u * 32 + lane) * L;
        if (p.n + c < N && k < ld) to[u][c] = *reinterpret_cast<const Pack<T>*>(w + static_cast<Index>(p.n + c) * ld + k);
      }
  };

  Place at = {(static_cast<int>(blockIdx.x) * kWarps + warp) * C, 0};
  Pack<T> now[U][C], next[U][C];
  fetch(at, now);
  fetch(after(at), next);
  letNextStart();
  if (f.norm.gamma) {
    copyRows<1>(1, K, ld, f.norm.gamma, gamma, threadIdx.x, kThreads);
    if (f.norm.beta) copyRows<1>(1, K, ld, f.norm.beta, beta, threadIdx.x, kThreads);
  }
  waitForPrevious();
  copyRows<kDeep / (3 - C)>(static_cast<int>(f.rows), K, ld, x, rows, threadIdx.x, kThreads);
  __syncthreads();
  if (f.norm.gamma) {
    const float* shift = f.norm.beta ? beta : nullptr;
    for (int r = warp; r < f.rows; r += kWarps) normRow<1>(K, f.norm.isRms, f.norm.eps, rows + r * ld, gamma, shift);
    __syncthreads();
  }

  float sum[R * C] = {};
  while (at.n < N) {
    const Place then = after(at);
#pragma unroll
    for (int u = 0; u < U; u++) {
      const int k = at.k + (u * 32 + lane) * L;
      if (k >= ld) continue;
#pragma unroll
      for (int r = 0; r < R; r++) {
        const Pack<T> mine = *reinterpret_cast<const Pack<T>*>(rows + r * ld + k);
#pragma unroll
        for (int c = 0; c < C; c++)
#pragma unroll
          for (int j = 0; j < L; j++) sum[r * C + c] += toFloat(mine.at[j]) * toFloat(now[u][c].at[j]);
      }
    }
    if (then.k == 0) { // the row of weights is done
      const float total = warpSums(sum);
      const int which = lane / (32 / (R * C)), r = which / C;
      const int n = at.n + which % C;
      if (lane % (32 / (R * C)) == 0 && r < f.rows && n < N) {
        float value = total + (f.weights.bias ? f.weights.bias[n] : 0.f);
        if (f.act == 1) value = gelu(value);
        if (f.residual) value += toFloat(static_cast<const T*>(f.residual)[r * N + n]);
        if (f.floats) static_cast<float*>(f.y)[r * N + n] = value;
        else static_cast<T*>(f.y)[r * N + n] = fromFloat<T>(value);
      }
#pragma unroll
      for (int i = 0; i < R * C; i++) sum[i] = 0;
    }
    at = then;
#pragma unroll
    for (int u = 0; u < U; u++)
#pragma unroll
      for (int c = 0; c < C; c++) now[u][c] = next[u][c];
    fetch(after(at), next);
  }
}

constexpr int kNormWarps = 4;

template <class T>
__global__ void norm(Index M, int D, NormOf n, const T* x, T* y) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const Index m = static_cast<Index>(blockIdx.x) * kNormWarps + warp;
  if (m >= M) return;
  const int ld = static_cast<int>(paddedWidth(D));
  T* row = sharedMemory<T>() + warp * ld;
  copyRows<4>(1, D, ld, x + m * D, row, lane, 32);
  __syncwarp();
  normRow<4>(D, n.isRms, n.eps, row, n.gamma, n.beta);
  __syncwarp();
  if (D == ld) copyRows<4>(1, D, ld, row, y + m * D, lane, 32);
  else
    for (int j = lane; j < D; j += 32) y[m * D + j] = row[j];
}

template <class T, int R, int C>
void start(const FewRows& f) {
  const size_t shared = R * f.weights.ld * sizeof(T) + (f.norm.gamma ? 2 * f.weights.ld * sizeof(float) : 0);
  // Where there are more outputs than run at once, each warp takes several: a block norms the rows once.
  const unsigned needed = blocksFor(f.weights.N, kWarps * C);
  const unsigned most = residentBlocks(C) * static_cast<unsigned>(multiprocessors());
  launchEarly(multiplyFew<T, R, C>, needed < most ? needed : most, kThreads, shared, f);
}

} // namespace

size_t sharedUpTo(size_t wanted) {
  static const size_t most = [] {
    int bytes = 0;
    check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0), "the device's attributes");
    return static_cast<size_t>(bytes) - 1024; // for what a kernel declares
  }();
  return std::min(wanted, most);
}

bool isFewRows(Type type, Index rows, Index K) {
  const size_t bytes = paddedWidth(K) * (kFewRows * (type == kFloat32 ? 4 : 2) + 8);
  return rows <= kFewRows && bytes <= sharedUpTo(kMostShared);
}

void fewRows(Type type, const FewRows& f) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    if (f.rows <= 1) start<T, 1, 1>(f);
    else if (f.rows <= 2) start<T, 2, 1>(f);
    else if (f.rows <= 4) start<T, 4, 2>(f);
    else start<T, 8, 2>(f);
  });
}

void normRows(Type type, Index M, Index D, const NormOf& n, const void* x, void* y) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const size_t shared = kNormWarps * paddedWidth(D) * sizeof(T);
    launch(norm<T>, blocksFor(M, kNormWarps), kNormWarps * 32, shared, M, static_cast<int>(D), n, static_cast<const T*>(x),
           static_cast<T*>(y));
  });
}

} // namespace ilf::cuda
