// Layer norm (Ba et al. 2016) and RMS norm (Zhang & Sennrich 2019), a warp for each row, as fast as memory is read and
// written. Lane l of a warp has every 32nd group of N neighbouring columns; where G groups are enough for a row, it stays
// in the lane's registers. Otherwise (G = 0) it is read again for each use, through the caches.
#include <algorithm>

#include "ops.h"
#include "partials.h"
#include "vectors.h"

namespace ilf::cuda {
namespace {

constexpr int kForwardWarps = 4, kBackwardWarps = 8;
constexpr int kMostGroups = 8; // backward: 2,048 columns of bfloat16, of which a lane sums 64 twice
constexpr int kColumns = 32, kRowsAtOnce = 8;
constexpr Index kRowsOfPart = 64; // backward without registers: rows of a block's sums

template <class T, int N, int G>
class Row {
 public:
  __device__ __forceinline__ Row(const T* x, int D) : x_(x), D_(D), first_(threadIdx.x % 32 * N) {
    if constexpr (G > 0)
#pragma unroll
      for (int g = 0; g < G; g++)
        if (column(g) < D) kept_[g].read(x + column(g));
  }

  // f(column, N numbers from there)
  template <class F>
  __device__ __forceinline__ void each(F f) const {
    float x[N];
    if constexpr (G > 0) {
#pragma unroll
      for (int g = 0; g < G; g++)
        if (column(g) < D_) {
          kept_[g].toFloats(x);
          f(column(g), x);
        }
    } else {
      for (int j = first_; j < D_; j += 32 * N) {
        load<N>(x_ + j, x);
        f(j, x);
      }
    }
  }

 private:
  __device__ __forceinline__ int column(int g) const { return g * 32 * N + first_; }

  const T* x_;
  int D_, first_;
  Few<T, N> kept_[G > 0 ? G : 1];
};

template <class T, int N, int G>
__global__ void __launch_bounds__(kForwardWarps * 32)
    forward(int kind, Index M, int D, float eps, const T* x, const float* __restrict__ gamma,
            const float* __restrict__ beta, T* y, float* mean, float* rstd) {
  const Index row = static_cast<Index>(blockIdx.x) * kForwardWarps + threadIdx.x / 32;
  if (row >= M) return;
  const Row<T, N, G> r(x + row * D, D);
  float mu = 0;
  if (kind == 0) {
    float sum = 0;
    r.each([&](int, const float(&v)[N]) {
      for (int i = 0; i < N; i++) sum += v[i];
    });
    mu = warpSum(sum) / D;
  }
  float squares = 0; // around the mean: no cancellation
  r.each([&](int, const float(&v)[N]) {
    for (int i = 0; i < N; i++) squares += (v[i] - mu) * (v[i] - mu);
  });
  const float scale = 1.f / sqrtf(warpSum(squares) / D + eps);
  r.each([&](int j, const float(&v)[N]) {
    float by[N], plus[N] = {}, out[N];
    load<N>(gamma + j, by);
    if (beta) load<N>(beta + j, plus);
    for (int i = 0; i < N; i++) out[i] = (v[i] - mu) * scale * by[i] + plus[i];
    store<N>(y + row * D + j, out);
  });
  if (threadIdx.x % 32 != 0) return;
  if (mean) mean[row] = mu;
  rstd[row] = scale;
}

// With x̂ = (x − μ) r and g = dy γ: dx = r (g − mean(g) − x̂ mean(g x̂)); RMS norm has no mean(g) and μ = 0.
// dγ = Σ dy x̂ and dβ = Σ dy over rows. What else x has a gradient from, `residual`, is added to dx before it is rounded.

// Everything with one reading of x and dy: lanes sum their columns' dγ and dβ over the rows of their warp, then the block
// its warps'. partial [gridDim.x, 2, D]
template <class T, int N, int G>
__global__ void __launch_bounds__(kBackwardWarps * 32)
    backward(int kind, Index M, int D, const T* x, const float* __restrict__ gamma, const float* __restrict__ mean,
             const float* __restrict__ rstd, const T* dy, const T* residual, T* dx, float* partial) {
  const int warp = threadIdx.x / 32, first = threadIdx.x % 32 * N;
  float dgamma[G][N] = {}, dbeta[G][N] = {};
  for (Index row = static_cast<Index>(blockIdx.x) * kBackwardWarps + warp; row < M; row += gridDim.x * kBackwardWarps) {
    Few<T, N> xs[G], ups[G], others[G];
#pragma unroll
    for (int g = 0; g < G; g++)
      if (const int j = g * 32 * N + first; j < D) {
        xs[g].read(x + row * D + j);
        ups[g].read(dy + row * D + j);
        if (residual) others[g].read(residual + row * D + j);
      }
    const float mu = kind == 0 ? mean[row] : 0.f, r = rstd[row];
    float total = 0, along = 0;
#pragma unroll
    for (int g = 0; g < G; g++)
      if (const int j = g * 32 * N + first; j < D) {
        float v[N], up[N], by[N];
        xs[g].toFloats(v);
        ups[g].toFloats(up);
        load<N>(gamma + j, by);
        for (int i = 0; i < N; i++) {
          const float hat = (v[i] - mu) * r;
          dgamma[g][i] += up[i] * hat;
          dbeta[g][i] += up[i];
          total += up[i] * by[i];
          along += up[i] * by[i] * hat;
        }
      }
    const float meanG = kind == 0 ? warpSum(total) / D : 0.f, meanGX = warpSum(along) / D;
#pragma unroll
    for (int g = 0; g < G; g++)
      if (const int j = g * 32 * N + first; j < D) {
        float v[N], up[N], by[N], other[N];
        xs[g].toFloats(v);
        ups[g].toFloats(up);
        others[g].toFloats(other); // zeros where there is none
        load<N>(gamma + j, by);
        for (int i = 0; i < N; i++) v[i] = r * (up[i] * by[i] - meanG - (v[i] - mu) * r * meanGX) + other[i];
        store<N>(dx + row * D + j, v);
      }
  }
  float* sums = sharedMemory<float>(); // [2,D]
  for (int turn = 0; turn < kBackwardWarps; turn++) {
    if (turn == warp)
#pragma unroll
      for (int g = 0; g < G; g++)
        if (const int j = g * 32 * N + first; j < D)
          for (int i = 0; i < N; i++) {
            sums[j + i] = turn == 0 ? dgamma[g][i] : sums[j + i] + dgamma[g][i];
            sums[D + j + i] = turn == 0 ? dbeta[g][i] : sums[D + j + i] + dbeta[g][i];
          }
    __syncthreads();
  }
  partial += static_cast<Index>(blockIdx.x) * 2 * D;
  for (int j = threadIdx.x; j < 2 * D; j += kBackwardWarps * 32) partial[j] = sums[j];
}

// Long rows, or rows that do not begin at multiples of 16 bytes: dx alone, and the sums in a kernel of their own.
template <class T, int N>
__global__ void __launch_bounds__(kForwardWarps * 32)
    inputGradient(int kind, Index M, int D, const T* x, const float* __restrict__ gamma, const float* __restrict__ mean,
                  const float* __restrict__ rstd, const T* dy, const T* residual, T* dx) {
  const Index row = static_cast<Index>(blockIdx.x) * kForwardWarps + threadIdx.x / 32;
  if (row >= M) return;
  const Row<T, N, 0> r(x + row * D, D);
  const float mu = kind == 0 ? mean[row] : 0.f, scale = rstd[row];
  float total = 0, along = 0;
  r.each([&](int j, const float(&v)[N]) {
    float up[N], by[N];
    load<N>(dy + row * D + j, up);
    load<N>(gamma + j, by);
    for (int i = 0; i < N; i++) {
      total += up[i] * by[i];
      along += up[i] * by[i] * ((v[i] - mu) * scale);
    }
  });
  const float meanG = kind == 0 ? warpSum(total) / D : 0.f, meanGX = warpSum(along) / D;
  r.each([&](int j, const float(&v)[N]) {
    float up[N], by[N], other[N] = {}, out[N];
    load<N>(dy + row * D + j, up);
    load<N>(gamma + j, by);
    if (residual) load<N>(residual + row * D + j, other);
    for (int i = 0; i < N; i++) out[i] = scale * (up[i] * by[i] - meanG - (v[i] - mu) * scale * meanGX) + other[i];
    store<N>(dx + row * D + j, out);
  });
}

// The sum over the threads of a column of the block, for those with threadIdx.y = 0.
__device__ float columnSum(float x) {
  __shared__ float sums[kRowsAtOnce][kColumns];
  __syncthreads();
  sums[threadIdx.y][threadIdx.x] = x;
  __syncthreads();
  float total = 0;
  for (int i = 0; i < kRowsAtOnce; i++) total += sums[i][threadIdx.x];
  return total;
}

// partial [gridDim.x, 2, D]: a block sums kRowsOfPart rows' columns.
template <class T>
__global__ void parameterSums(int kind, Index M, int D, const T* __restrict__ x, const float* __restrict__ mean,
                              const float* __restrict__ rstd, const T* __restrict__ dy, float* partial) {
  const Index part = blockIdx.x, end = min(M, (part + 1) * kRowsOfPart);
  const int j = blockIdx.y * kColumns + threadIdx.x;
  float dgamma = 0, dbeta = 0;
  for (Index row = part * kRowsOfPart + threadIdx.y; row < end && j < D; row += kRowsAtOnce) {
    const float up = toFloat(dy[row * D + j]);
    dgamma += up * (toFloat(x[row * D + j]) - (kind == 0 ? mean[row] : 0.f)) * rstd[row];
    dbeta += up;
  }
  dgamma = columnSum(dgamma);
  dbeta = columnSum(dbeta);
  if (threadIdx.y != 0 || j >= D) return;
  partial[part * 2 * D + j] = dgamma;
  partial[(part * 2 + 1) * D + j] = dbeta;
}

// f(integral_constant<int, G>): a G that is enough for `groups` groups in a lane, 0 where none is.
template <class F>
void withGroups(Index groups, F f) {
  if (groups <= 1) f(std::integral_constant<int, 1>());
  else if (groups <= 2) f(std::integral_constant<int, 2>());
  else if (groups <= 3) f(std::integral_constant<int, 3>());
  else if (groups <= 4) f(std::integral_constant<int, 4>());
  else if (groups <= 6) f(std::integral_constant<int, 6>());
  else if (groups <= kMostGroups) f(std::integral_constant<int, kMostGroups>());
  else f(std::integral_constant<int, 0>());
}

} // namespace

void normForward(Type type, int kind, Index M, Index D, float eps, const void* x, const float* gamma, const float* beta,
                 void* y, float* mean, float* rstd) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const auto run = [&](auto kernel) {
      launch(kernel, blocksFor(M, kForwardWarps), kForwardWarps * 32, 0, kind, M, static_cast<int>(D), eps,
             static_cast<const T*>(x), gamma, beta, static_cast<T*>(y), mean, rstd);
    };
    constexpr int N = Pack<T>::kLength;
    if (D % N != 0) run(forward<T, 1, 0>);
    else withGroups((D + 32 * N - 1) / (32 * N), [&](auto groups) { run(forward<T, N, decltype(groups)::value>); });
  });
}

void normBackward(Type type, int kind, Index M, Index D, const void* x, const float* gamma, const float* mean,
                  const float* rstd, const void* dy, const void* residual, void* dx, float* dgamma, float* dbeta) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    constexpr int N = Pack<T>::kLength;
    const T *xs = static_cast<const T*>(x), *ups = static_cast<const T*>(dy), *others = static_cast<const T*>(residual);
    T* to = static_cast<T*>(dx);
    const int columns = static_cast<int>(D);
    const auto sum = [&](Index parts, const float* partial) { sumPartials(parts, 2 * D, partial, D, dgamma, dbeta); };
    const auto general = [&](auto width) {
      const Index parts = blocksFor(M, kRowsOfPart);
      const Temporary<float> partial(parts * 2 * D);
      launch(parameterSums<T>, dim3(static_cast<unsigned>(parts), blocksFor(D, kColumns)), dim3(kColumns, kRowsAtOnce), 0,
             kind, M, columns, xs, mean, rstd, ups, partial);
      launch(inputGradient<T, decltype(width)::value>, blocksFor(M, kForwardWarps), kForwardWarps * 32, 0, kind, M, columns,
             xs, gamma, mean, rstd, ups, others, to);
      sum(parts, partial);
    };
    if (D % N != 0) return general(std::integral_constant<int, 1>());
    withGroups((D + 32 * N - 1) / (32 * N), [&](auto groups) {
      constexpr int G = decltype(groups)::value;
      if constexpr (G == 0) {
        general(std::integral_constant<int, N>());
      } else {
        const Index blocks = std::min<Index>(blocksFor(M, kBackwardWarps), 2 * multiprocessors());
        const Temporary<float> partial(blocks * 2 * D);
        launch(backward<T, N, G>, static_cast<unsigned>(blocks), kBackwardWarps * 32, 2 * D * sizeof(float), kind, M,
               columns, xs, gamma, mean, rstd, ups, others, to, partial);
        sum(blocks, partial);
      }
    });
  });
}

} // namespace ilf::cuda
