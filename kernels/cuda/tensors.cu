#include "tensors.h"

#include <stdexcept>

namespace ilf::cuda {
namespace {

constexpr int kThreads = 256;
constexpr unsigned kMostBlocks = 65535;

unsigned gridFor(Index n) {
  const Index blocks = (n + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

// body(i) for each i below n, over a grid of any size.
#define ILF_FOR_EACH(i, n)                                                                     \
  for (Index i = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; i < (n);           \
       i += static_cast<Index>(gridDim.x) * blockDim.x)

__device__ float apply(Unary f, float x) {
  switch (f) {
    case kAbs: return fabsf(x);
    case kExp: return expf(x);
    case kLog: return logf(x);
    case kSqrt: return sqrtf(x);
    case kRsqrt: return 1.f / sqrtf(x);
    case kSquare: return x * x;
    case kNeg: return -x;
    case kReciprocal: return 1.f / x;
    case kRelu: return x > 0.f || x != x ? x : 0.f;
    case kSigmoid: return 1.f / (1.f + expf(-x));
    case kTanh: return tanhf(x);
    case kSin: return sinf(x);
    case kCos: return cosf(x);
    case kErf: return erff(x);
    case kExpm1: return expm1f(x);
    case kLog1p: return log1pf(x);
    case kSoftplus: return x > 20.f ? x : log1pf(expf(x));
    case kElu: return x >= 0.f ? x : expm1f(x);
    default: return x;
  }
}

__device__ float apply(Binary f, float a, float b) {
  const bool nan = a != a || b != b; // tfjs: NaN wins
  switch (f) {
    case kAdd: return a + b;
    case kSub: return a - b;
    case kMultiply: return a * b;
    case kRealDiv: return a / b;
    case kMaximum: return nan ? NAN : fmaxf(a, b);
    case kMinimum: return nan ? NAN : fminf(a, b);
    case kSquaredDifference: return (a - b) * (a - b);
    case kPow: return powf(a, b);
    default: return a;
  }
}

__device__ float neutral(Reduction f) { return f == kMax ? -INFINITY : f == kMin ? INFINITY : 0.f; }
__device__ float combine(Reduction f, float a, float b) {
  if (f == kSum || f == kMean) return a + b;
  if (a != a || b != b) return NAN;
  return f == kMax ? fmaxf(a, b) : fminf(a, b);
}

// Where element i of the view's shape lies.
__device__ Index placeOf(const View& v, Index i) {
  Index at = v.offset;
  for (int d = v.dims - 1; d >= 0; d--) {
    at += i % v.shape[d] * v.strides[d];
    i /= v.shape[d];
  }
  return at;
}

__global__ void unaryKernel(Unary f, Index n, const float* x, float* y) {
  ILF_FOR_EACH(i, n) y[i] = apply(f, x[i]);
}

__global__ void binaryKernel(Binary f, Index n, bool contiguous, View viewA, const float* a, View viewB, const float* b, float* y) {
  ILF_FOR_EACH(i, n) y[i] = contiguous ? apply(f, a[i], b[i]) : apply(f, a[placeOf(viewA, i)], b[placeOf(viewB, i)]);
}

__global__ void copyKernel(Index n, View from, const float* x, View to, float* y) {
  ILF_FOR_EACH(i, n) y[placeOf(to, i)] = x[placeOf(from, i)];
}

__global__ void fillKernel(float value, Index n, float* y) {
  ILF_FOR_EACH(i, n) y[i] = value;
}

// A block for each part of a row: blockIdx.y numbers the parts. y [rows, parts].
__global__ void reduceKernel(Reduction f, Index rows, Index inner, Index part, float scale, const float* x, float* y) {
  __shared__ float partial[kThreads];
  for (Index row = blockIdx.x; row < rows; row += gridDim.x) {
    const Index first = blockIdx.y * part, last = min(inner, first + part);
    float value = neutral(f);
    for (Index i = first + threadIdx.x; i < last; i += kThreads) value = combine(f, value, x[row * inner + i]);
    partial[threadIdx.x] = value;
    for (int step = kThreads / 2; step > 0; step /= 2) {
      __syncthreads();
      if (static_cast<int>(threadIdx.x) < step) partial[threadIdx.x] = combine(f, partial[threadIdx.x], partial[threadIdx.x + step]);
    }
    if (threadIdx.x == 0) y[row * gridDim.y + blockIdx.y] = partial[0] * scale;
    __syncthreads();
  }
}

bool isContiguous(const View& v) {
  Index expected = 1;
  for (int d = v.dims - 1; d >= 0; d--) {
    if (v.shape[d] != 1 && v.strides[d] != expected) return false;
    expected *= v.shape[d];
  }
  return v.offset == 0;
}

Index sizeOf(const View& v) {
  Index n = 1;
  for (int d = 0; d < v.dims; d++) n *= v.shape[d];
  return n;
}

// Elements of a row that a block sums.
constexpr Index kPart = 16384;

} // namespace

void unary(Unary f, Index n, const float* x, float* y) { launch(unaryKernel, gridFor(n), kThreads, 0, f, n, x, y); }

void binary(Binary f, const View& viewA, const float* a, const View& viewB, const float* b, float* y) {
  const Index n = sizeOf(viewA);
  launch(binaryKernel, gridFor(n), kThreads, 0, f, n, isContiguous(viewA) && isContiguous(viewB), viewA, a, viewB, b, y);
}

void copyView(const View& from, const float* x, const View& to, float* y) {
  const Index n = sizeOf(from);
  launch(copyKernel, gridFor(n), kThreads, 0, n, from, x, to, y);
}

void fillWith(float value, Index n, float* y) { launch(fillKernel, gridFor(n), kThreads, 0, value, n, y); }

// Long rows in two passes, so that one row keeps the whole GPU at work.
void reduce(Reduction f, Index outer, Index inner, const float* x, float* y) {
  const float scale = f == kMean ? 1.f / static_cast<float>(inner) : 1.f;
  const unsigned rows = static_cast<unsigned>(outer < kMostBlocks ? outer : kMostBlocks);
  const Index parts = (inner + kPart - 1) / kPart;
  if (parts <= 1) {
    launch(reduceKernel, rows, kThreads, 0, f, outer, inner, inner, scale, x, y);
    return;
  }
  if (parts > kMostBlocks) throw std::runtime_error("CUDA: a reduction over too many elements");
  const Temporary<float> partial(outer * parts);
  launch(reduceKernel, dim3(rows, static_cast<unsigned>(parts)), kThreads, 0, f, outer, inner, kPart, 1.f, x,
         static_cast<float*>(partial));
  launch(reduceKernel, rows, kThreads, 0, f, outer, parts, parts, scale, static_cast<const float*>(partial), y);
}

} // namespace ilf::cuda
