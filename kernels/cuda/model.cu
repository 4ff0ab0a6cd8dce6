#include "model.h"

#include <algorithm>

#include "blas.h"

namespace ilf::cuda {
namespace {

constexpr int kTile = 32;

// to [N,ld] = w [K,N] transposed and rounded, padded with zeros. Blocks of 32 x 8 threads: tiles of 32 x 32.
template <class T>
__global__ void transpose(Index K, Index N, Index ld, const float* w, T* to) {
  __shared__ float tile[kTile][kTile + 1];
  const Index n0 = static_cast<Index>(blockIdx.x) * kTile, k0 = static_cast<Index>(blockIdx.y) * kTile;
  for (Index i = threadIdx.y; i < kTile; i += blockDim.y)
    tile[i][threadIdx.x] = k0 + i < K && n0 + threadIdx.x < N ? w[(k0 + i) * N + n0 + threadIdx.x] : 0.f;
  __syncthreads();
  for (Index i = threadIdx.y; i < kTile; i += blockDim.y)
    if (n0 + i < N && k0 + threadIdx.x < ld) to[(n0 + i) * ld + k0 + threadIdx.x] = fromFloat<T>(tile[threadIdx.x][i]);
}

// to [rows,ld] = w [N,K] rounded, padded with zeros on both sides.
template <class T>
__global__ void pad(Index N, Index K, Index rows, Index ld, const float* w, T* to) {
  const Index threads = static_cast<Index>(gridDim.x) * blockDim.x;
  for (Index at = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; at < rows * ld; at += threads) {
    const Index n = at / ld, k = at % ld;
    to[at] = fromFloat<T>(n < N && k < K ? w[n * K + k] : 0.f);
  }
}

template <class T>
void padded(Index N, Index K, Index rows, Index ld, const float* w, T* to) {
  launch(pad<T>, std::min(blocksFor(rows * ld, 256), 8192u), 256, 0, N, K, rows, ld, w, to);
}

// Lays out the weights from `memory` on and copies them, or, where that is null, only counts their bytes.
template <class T>
size_t takeWeights(Model& m, const float* const* weights, unsigned char* memory) {
  const Index D = m.c.width, I = m.c.inner, V = m.c.vocab;
  Pieces pieces = {memory};
  const float* const* next = weights;
  const auto copy = [&](Index n) {
    float* to = pieces.take<float>(n);
    if (memory) check(cudaMemcpyAsync(to, *next, n * sizeof(float), cudaMemcpyDeviceToDevice, stream()), "copying weights");
    next++;
    return to;
  };
  const auto linear = [&](Index K, Index N) {
    const Index ld = paddedWidth(K);
    T* w = pieces.take<T>(N * ld);
    const dim3 tiles(blocksFor(N, kTile), blocksFor(ld, kTile));
    if (memory) launch(transpose<T>, tiles, dim3(kTile, 8), 0, K, N, ld, *next, w);
    next++;
    const float* bias = copy(N);
    bf16* bias16 = nullptr;
    if (m.type == kBfloat16) {
      bias16 = pieces.take<bf16>(N);
      if (memory) padded(1, N, 1, N, bias, bias16);
    }
    return Weights{N, K, ld, w, bias, bias16};
  };
  m.wte = copy(V * D);
  m.wpe = copy(m.c.positions * D);
  for (Layer& l : m.layers) {
    l.ln1Gamma = copy(D);
    l.ln1Beta = copy(D);
    l.qkv = linear(D, 3 * D);
    l.proj = linear(D, D);
    l.ln2Gamma = copy(D);
    l.ln2Beta = copy(D);
    l.fc = linear(D, I);
    l.out = linear(I, D);
  }
  m.lnGamma = copy(D);
  m.lnBeta = copy(D);
  const Index rows = (V + 63) / 64 * 64, ld = paddedWidth(D);
  T* head = pieces.take<T>(rows * ld);
  if (memory) padded(V, D, rows, ld, m.wte, head);
  m.head = {rows, D, ld, head, nullptr, nullptr};
  return pieces.used;
}

} // namespace

Model::Model(Type type, const DecoderConfig& config, const float* const* weights)
    : type(type), c(config), heads{config.heads, config.width / config.heads}, layers(config.layers) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    memory.atLeast(takeWeights<T>(*this, weights, nullptr));
    takeWeights<T>(*this, weights, memory.data());
  });
}

Activations takeActivations(const Model& m, Index M, Pieces& pieces) {
  const Index row = m.c.width * m.elementSize();
  Activations a;
  a.x = pieces.take(M * row);
  a.x2 = pieces.take(M * row);
  a.normed = pieces.take(M * row);
  a.mixed = pieces.take(M * row);
  a.qkv = pieces.take(3 * M * row);
  a.inner = pieces.take(M * m.c.inner * m.elementSize());
  return a;
}

void linear(const Model& m, Index M, const Weights& w, const LinearOf& of, void* y) {
  if (isFewRows(m.type, M, w.K)) {
    FewRows f = {M, of.x, w};
    f.gamma = of.gamma;
    f.beta = of.beta;
    f.eps = m.c.eps;
    f.act = of.act;
    f.residual = of.residual;
    f.y = y;
    f.floats = of.floats;
    return fewRows(m.type, f);
  }
  if (of.gamma) normRows(m.type, M, m.c.width, m.c.eps, of.x, of.gamma, of.beta, of.normed);
  Product p = {M, w.N, w.K, of.gamma ? of.normed : of.x, w.w, y};
  p.transB = true;
  p.ldb = w.ld;
  p.operands = m.type;
  p.result = of.floats ? kFloat32 : m.type;
  p.bias = w.bias;
  p.bias16 = w.bias16;
  p.act = of.act;
  p.residual = of.residual;
  multiply(p);
}

void logitsOf(const Model& m, Index M, const void* x, void* normed, float* logits) {
  LinearOf of = {x, m.lnGamma, m.lnBeta, normed};
  of.floats = true;
  linear(m, M, m.head, of, logits);
}

} // namespace ilf::cuda
