// Products of at most 8 rows. Each weight is read once, by 16-byte loads that are in flight before the rows are even there:
// a block first asks for its first weights, then brings the rows into shared memory and norms them (each block for itself,
// which is cheaper than a kernel for it), then multiplies while the next weights are on their way. A warp computes one or two
// outputs for all rows. A layer of GPT-2 124M is 14 MB in bfloat16: about 5 µs at an H100's 3 TB/s, as much as starting its
// kernels takes.
#include "few_rows.h"

#include "gelu.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr size_t kMostShared = 96 << 10; // bytes of rows; two blocks of a multiprocessor fit

// A warp norms a row [D] in shared memory in place. What is normed is rounded to T, as the norm of a forward pass is.
template <class T>
__device__ void normRow(int D, float eps, T* x, const float* __restrict__ gamma, const float* __restrict__ beta) {
  const int lane = threadIdx.x % 32;
  float sum = 0, squares = 0;
  for (int j = lane; j < D; j += 32) sum += toFloat(x[j]);
  const float mean = warpSum(sum) / D;
  for (int j = lane; j < D; j += 32) {
    const float d = toFloat(x[j]) - mean;
    squares += d * d;
  }
  const float rstd = 1.f / sqrtf(warpSum(squares) / D + eps);
  for (int j = lane; j < D; j += 32) x[j] = fromFloat<T>((toFloat(x[j]) - mean) * rstd * gamma[j] + beta[j]);
}

// Threads [first, first + count) copy n elements; behind them come zeros up to `padded`. Both addresses are aligned to 16
// bytes where n is a multiple of a pack.
template <class T>
__device__ void copyRow(int n, int padded, const T* __restrict__ from, T* to, int thread, int threads) {
  constexpr int L = Pack<T>::kLength;
  if (n % L == 0)
    for (int j = thread * L; j < n; j += threads * L) *reinterpret_cast<Pack<T>*>(to + j) = *reinterpret_cast<const Pack<T>*>(from + j);
  else
    for (int j = thread; j < n; j += threads) to[j] = from[j];
  for (int j = n + thread; j < padded; j += threads) to[j] = fromFloat<T>(0);
}

// Sums of each of N values (a power of two up to 32) over a warp, by halving: lane l has that of value l / (32 / N). N - 1
// exchanges and a few instead of 5·N.
template <int N>
__device__ __forceinline__ float warpSums(float (&v)[N]) {
  const int lane = threadIdx.x % 32;
  int lanes = 16;
#pragma unroll
  for (int n = N / 2; n >= 1; n /= 2, lanes /= 2) {
    const bool upper = lane & lanes;
#pragma unroll
    for (int i = 0; i < n; i++) {
      const float mine = upper ? v[i + n] : v[i], other = upper ? v[i] : v[i + n];
      v[i] = mine + __shfl_xor_sync(0xffffffffu, other, lanes);
    }
  }
  for (; lanes > 0; lanes /= 2) v[0] += __shfl_xor_sync(0xffffffffu, v[0], lanes);
  return v[0];
}

// A warp's next weights: kDeep packs for each lane, of C columns.
constexpr int kDeep = 4;

// Blocks of a multiprocessor at once. Three of those that compute an output per warp: all of GPT-2 124M's layers are one wave.
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

  if (f.gamma) {
    for (int r = warp; r < f.rows; r += kWarps) {
      copyRow(K, ld, x + r * K, rows + r * ld, lane, 32);
      __syncwarp();
      normRow(K, f.eps, rows + r * ld, f.gamma, f.beta);
    }
  } else {
    for (int r = 0; r < f.rows; r++) copyRow(K, ld, x + r * K, rows + r * ld, threadIdx.x, kThreads);
  }
  __syncthreads();

  float sum[R * C] = {};
  while (at.n < N) {
    const Place then = after(at);
    fetch(then, next);
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
  }
}

constexpr int kNormWarps = 4;

template <class T>
__global__ void norm(Index M, int D, float eps, const T* x, const float* gamma, const float* beta, T* y) {
  constexpr int L = Pack<T>::kLength;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const Index m = static_cast<Index>(blockIdx.x) * kNormWarps + warp;
  if (m >= M) return;
  T* row = sharedMemory<T>() + warp * ((D + L - 1) / L * L);
  copyRow(D, D, x + m * D, row, lane, 32);
  __syncwarp();
  normRow(D, eps, row, gamma, beta);
  __syncwarp();
  copyRow(D, D, row, y + m * D, lane, 32);
}

template <class T, int R, int C>
void start(const FewRows& f) {
  const size_t shared = R * f.weights.ld * sizeof(T);
  // Where there are more outputs than run at once, each warp takes several: a block norms the rows once.
  const unsigned needed = blocksFor(f.weights.N, kWarps * C), most = residentBlocks(C) * static_cast<unsigned>(multiprocessors());
  launch(multiplyFew<T, R, C>, needed < most ? needed : most, kThreads, shared, f);
}

} // namespace

bool isFewRows(Type type, Index rows, Index K) {
  const size_t bytes = kFewRows * paddedWidth(K) * (type == kFloat32 ? 4 : 2);
  return rows <= kFewRows && bytes <= kMostShared;
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

void normRows(Type type, Index M, Index D, float eps, const void* x, const float* gamma, const float* beta, void* y) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const size_t shared = kNormWarps * (D + 8) * sizeof(T);
    launch(norm<T>, blocksFor(M, kNormWarps), kNormWarps * 32, shared, M, static_cast<int>(D), eps, static_cast<const T*>(x), gamma, beta,
           static_cast<T*>(y));
  });
}

} // namespace ilf::cuda
