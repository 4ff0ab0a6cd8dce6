#include "model.h"

#include <algorithm>
#include <initializer_list>

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

// Linear layers of the same input as one: so many outputs of each.
struct Part {
  const PartWeights& of;
  Index width;
};

// Lays out the weights from `memory` on and copies them, or, where that is null, only counts their bytes.
template <class T>
size_t takeWeights(Model& m, const ModelWeights& from, unsigned char* memory) {
  const Index D = m.c.width, I = m.c.inner, V = m.c.vocab, ofQ = m.c.mixedWidth(), ofK = m.c.kvHeads * m.c.headDim;
  Pieces pieces = {memory};
  const auto copyTo = [&](float* to, const float* weights, Index n) {
    if (!memory) return;
    if (weights) check(cudaMemcpyAsync(to, weights, n * sizeof(float), cudaMemcpyDeviceToDevice, stream()), "copying weights");
    else check(cudaMemsetAsync(to, 0, n * sizeof(float), stream()), "zeroing weights");
  };
  const auto copy = [&](const float* weights, Index n) {
    if (!weights) return static_cast<float*>(nullptr);
    float* to = pieces.take<float>(n);
    copyTo(to, weights, n);
    return to;
  };
  const auto norm = [&](const PartWeights& of) {
    const float *gamma = copy(of.weight, D), *beta = copy(of.bias, D);
    return NormOf{gamma, beta, m.c.norm == 1, m.c.eps};
  };
  const auto linear = [&](std::initializer_list<Part> parts, Index K) {
    const Index ld = paddedWidth(K);
    Index N = 0, at = 0;
    bool biased = false;
    for (const Part& part : parts) {
      N += part.width;
      biased = biased || part.of.bias;
    }
    T* w = pieces.take<T>(N * ld);
    float* bias = biased ? pieces.take<float>(N) : nullptr;
    bf16* bias16 = biased && m.type == kBfloat16 ? pieces.take<bf16>(N) : nullptr;
    for (const Part& part : parts) {
      const Index n = part.width;
      if (memory && m.c.transposed) padded(n, K, n, ld, part.of.weight, w + at * ld);
      else if (memory)
        launch(transpose<T>, dim3(blocksFor(n, kTile), blocksFor(ld, kTile)), dim3(kTile, 8), 0, K, n, ld, part.of.weight,
               w + at * ld);
      if (biased) copyTo(bias + at, part.of.bias, n);
      at += n;
    }
    if (bias16 && memory) padded(1, N, 1, N, bias, bias16);
    return Weights{N, K, ld, w, bias, bias16};
  };
  m.wte = copy(from.wte, V * D);
  m.wpe = copy(from.wpe, m.c.positions * D);
  for (Index i = 0; i < m.c.layers; i++) {
    Layer& l = m.layers[i];
    const LayerWeights& of = from.layers[i];
    l.norm1 = norm(of.norm1);
    l.qkv = of.qkv.weight ? linear({{of.qkv, m.c.qkvWidth()}}, D) : linear({{of.q, ofQ}, {of.k, ofK}, {of.v, ofK}}, D);
    l.out = linear({{of.out, D}}, ofQ);
    l.norm2 = norm(of.norm2);
    l.up = m.gated ? linear({{of.gate, I}, {of.up, I}}, D) : linear({{of.up, I}}, D);
    l.down = linear({{of.down, D}}, I);
  }
  m.norm = norm(from.norm);
  const Index rows = (V + 63) / 64 * 64, ld = paddedWidth(D);
  T* head = pieces.take<T>(rows * ld);
  if (memory) padded(V, D, rows, ld, from.head ? from.head : m.wte, head);
  m.head = {rows, D, ld, head, nullptr, nullptr};
  Index parts = 0, done = 0;
  for (const Weights& w : {m.layers[0].out, m.layers[0].down}) {
    parts = std::max(parts, splitSumsParts(w));
    done = std::max(done, splitSumsDone(w));
  }
  m.sums.parts = pieces.take<float>(parts);
  m.sums.done = pieces.take<int32_t>(done);
  if (memory) fill(m.sums.done, 0, done * sizeof(int32_t));
  return pieces.used;
}

} // namespace

Model::Model(Type type, const DecoderConfig& config, const ModelWeights& weights)
    : type(type), c(config), gated(weights.layers[0].gate.weight), heads{c.heads, c.kvHeads, c.headDim}, layers(c.layers) {
  const Index pairs = c.rotation.pairs;
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    const size_t bytes = takeWeights<T>(*this, weights, nullptr);
    memory.atLeast(bytes + pairs * sizeof(double));
    takeWeights<T>(*this, weights, memory.data());
    double* frequencies = reinterpret_cast<double*>(memory.data() + bytes);
    if (pairs > 0) upload(frequencies, config.rotation.frequencies, pairs * sizeof(double));
    c.rotation.frequencies = frequencies;
  });
}

void Model::renew(const ModelWeights& weights) {
  withType(type, [&](auto t) { takeWeights<decltype(t)>(*this, weights, memory.data()); });
}

Activations takeActivations(const Model& m, Index M, Pieces& pieces) {
  const auto take = [&](Index width) { return pieces.take(M * width * m.elementSize()); };
  Activations a;
  a.x = take(m.c.width);
  a.x2 = take(m.c.width);
  a.normed = take(m.c.width);
  a.mixed = take(m.c.mixedWidth());
  a.qkv = take(m.c.qkvWidth());
  a.inner = take(m.c.inner);
  a.gates = m.gated ? take(2 * m.c.inner) : nullptr;
  return a;
}

void linear(const Model& m, Index M, const Weights& w, const LinearOf& of, void* y) {
  FewRows f = {M, of.x, w};
  f.norm = of.norm;
  f.act = of.act;
  f.residual = of.residual;
  f.y = y;
  f.floats = of.floats;
  if (isFewRows(m.type, M, w.K)) return fewRows(m.type, f);
  if (isSkinny(m.type, M, w, of.norm.gamma)) return skinnyRows(f, m.sums);
  if (of.norm.gamma) normRows(m.type, M, m.c.width, of.norm, of.x, of.normed);
  Product p = {M, w.N, w.K, of.norm.gamma ? of.normed : of.x, w.w, y};
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
  LinearOf of = {x, m.norm, normed};
  of.floats = true;
  linear(m, M, m.head, of, logits);
}

} // namespace ilf::cuda
