#include "model.h"

#include <stdlib.h>

#include "../runtime/memory.h"
#include "gemm.h"
#include "ops.h"
#include "pieces.h"

namespace ilf {
namespace ILF_NS {
namespace {

// Linear layers of the same input as one.
struct Joined {
  const PartWeights* parts[3];
  Index widths[3]; // outputs
  int count;

  Index width() const {
    Index N = 0;
    for (int i = 0; i < count; i++) N += widths[i];
    return N;
  }
};

// K x N of all parts, packed. False where memory for a copy of them runs out.
template <class T>
bool packJoined(const Joined& j, Index K, bool transposed, float* packed) {
  const Index N = j.width();
  if (j.count == 1) {
    packBShared<T>(N, K, j.parts[0]->weight, transposed ? K : N, transposed, packed);
    return true;
  }
  Index held, at = 0;
  float* all = allocateFloats(N * K, &held);
  if (!all) return false;
  for (int i = 0; i < j.count; at += j.widths[i++]) {
    const float* w = j.parts[i]->weight;
    const Index n = j.widths[i];
    if (transposed) memcpy(all + at * K, w, n * K * sizeof(float));
    else
      for (Index k = 0; k < K; k++) memcpy(all + k * N + at, w + k * n, n * sizeof(float));
  }
  packBShared<T>(N, K, all, transposed ? K : N, transposed, packed);
  freeFloats(all, held);
  return true;
}

template <class T>
bool packWeights(Model& m, const ModelWeights& w) {
  const DecoderConfig& c = m.c;
  const Index D = c.width, I = c.inner, ofK = c.kvHeads * c.headDim;
  Pieces pieces = {m.memory};
  pieces.take(2 * c.rotation.pairs); // the frequencies
  bool ok = true;
  const auto copy = [&](const float* from, Index n) {
    if (!from) return static_cast<float*>(nullptr);
    float* to = pieces.take(n);
    memcpy(to, from, n * sizeof(float));
    return to;
  };
  const auto norm = [&](const PartWeights& n) { return Norm{copy(n.weight, D), copy(n.bias, D)}; };
  const auto linear = [&](const Joined& j, Index K) {
    const Index N = j.width();
    float* packed = pieces.take(packedSize<T>(N, K));
    ok = ok && packJoined<T>(j, K, c.transposed, packed);
    bool any = false;
    for (int i = 0; i < j.count; i++) any = any || j.parts[i]->bias;
    float* bias = any ? pieces.take(N) : nullptr;
    for (Index i = 0, at = 0; any && i < j.count; at += j.widths[i++]) {
      if (j.parts[i]->bias) memcpy(bias + at, j.parts[i]->bias, j.widths[i] * sizeof(float));
      else memset(bias + at, 0, j.widths[i] * sizeof(float));
    }
    return Linear{N, K, packed, bias};
  };
  m.wte = w.wte;
  m.wpe = w.wpe;
  for (Index i = 0; i < c.layers; i++) {
    Layer& l = m.layers[i];
    const LayerWeights& from = w.layers[i];
    l.norm1 = norm(from.norm1);
    l.qkv = linear(from.qkv.weight ? Joined{{&from.qkv}, {c.qkvWidth()}, 1}
                                   : Joined{{&from.q, &from.k, &from.v}, {c.mixedWidth(), ofK, ofK}, 3},
                   D);
    l.out = linear({{&from.out}, {D}, 1}, c.mixedWidth());
    l.norm2 = norm(from.norm2);
    l.up = linear(m.gated ? Joined{{&from.gate, &from.up}, {I, I}, 2} : Joined{{&from.up}, {I}, 1}, D);
    l.down = linear({{&from.down}, {D}, 1}, I);
  }
  m.norm = norm(w.norm);
  float* head = pieces.take(packedSize<T>(c.vocab, D));
  packBShared<T>(c.vocab, D, w.head ? w.head : w.wte, D, true, head);
  m.head = head;
  return ok;
}

// Floats of what packWeights makes, at most.
template <class T>
Index weightsSize(const DecoderConfig& c, bool gated) {
  const Index D = c.width, I = c.inner, W = c.qkvWidth(), Q = c.mixedWidth(), up = gated ? 2 * I : I;
  const Index products = packedSize<T>(W, D) + packedSize<T>(D, Q) + packedSize<T>(up, D) + packedSize<T>(D, I);
  const Index layer = products + W + D + up + D + 4 * D + 12 * 16;
  return c.layers * layer + packedSize<T>(c.vocab, D) + 2 * D + 2 * c.rotation.pairs + 4 * 16;
}

} // namespace

bool openModel(Model& m, Type type, const DecoderConfig& c, const ModelWeights& weights) {
  m.type = type;
  m.c = c;
  m.gated = weights.layers[0].gate.weight;
  m.layers = static_cast<Layer*>(malloc(c.layers * sizeof(Layer)));
  bool ok = false;
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    m.memory = allocateFloats(weightsSize<T>(c, m.gated), &m.held);
    if (!m.layers || !m.memory) return;
    double* frequencies = reinterpret_cast<double*>(m.memory);
    if (c.rotation.pairs > 0) memcpy(frequencies, c.rotation.frequencies, c.rotation.pairs * sizeof(double));
    m.c.rotation.frequencies = frequencies;
    ok = packWeights<T>(m, weights);
  });
  return ok;
}

bool renewModel(Model& m, const ModelWeights& weights) {
  bool ok = false;
  withType(m.type, [&](auto t) { ok = packWeights<decltype(t)>(m, weights); });
  return ok;
}

void closeModel(Model& m) {
  freeFloats(m.memory, m.held);
  free(m.layers);
}

} // namespace ILF_NS
} // namespace ilf
