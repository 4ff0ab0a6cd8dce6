// A model as the decoder keeps it, and its layers but for the attention.
#pragma once
#include <vector>

#include "few_rows.h"
#include "glu.h"
#include "held.h"
#include "kv_cache.h"
#include "skinny.h"

namespace ilf::cuda {

struct Layer {
  NormOf norm1;
  Weights qkv, out; // [qkvWidth,D], [D,mixedWidth]
  NormOf norm2;
  Weights up, down; // [I,D], gated [2I,D]: gate, then up; [D,I]
};

struct Model {
  Type type; // of activations, of the products' operands, and of the cache
  DecoderConfig c;  // rotation.frequencies on the device
  bool gated;
  Heads heads;
  std::vector<Layer> layers;
  const float *wte, *wpe; // [V,D]; [positions,D] or null; floats, so that sums of them are rounded once
  NormOf norm;
  Weights head;  // [paddedVocab,D], zeros behind the vocabulary, so that every row of logits begins at 256 bytes
  SplitSums sums;
  Memory memory; // what all of this lies in

  // weights as in createDecoder, on the device; they are copied. Throws std::bad_alloc.
  Model(Type type, const DecoderConfig& config, const ModelWeights& weights);
  // Copies other weights of the same shapes to where those were.
  void renew(const ModelWeights& weights);

  Index elementSize() const { return type == kFloat32 ? 4 : 2; }
  Index paddedVocab() const { return head.N; }
};

// Of M rows on their way through the layers. Products write where nothing that they read lies: x and x2 alternate.
struct Activations {
  void *x, *x2; // [M,D]
  void* normed; // [M,D]
  void* mixed;  // [M,mixedWidth]
  void* qkv;    // [M,qkvWidth]
  void* inner;  // [M,I]
  void* gates;  // [M,2I], where the MLP is gated
};
Activations takeActivations(const Model& m, Index M, Pieces& pieces);

// y [M,N] = act(norm(x) wᵀ + bias) + residual; the norm, into `normed`, only where it has a gamma.
struct LinearOf {
  const void* x;
  NormOf norm = {};
  void* normed = nullptr;
  int act = 0;
  const void* residual = nullptr;
  bool floats = false; // y's type
};
void linear(const Model& m, Index M, const Weights& w, const LinearOf& of, void* y);

// logits [M,paddedVocab]
void logitsOf(const Model& m, Index M, const void* x, void* normed, float* logits);

// All layers. attend(layer) turns a.qkv into a.mixed and returns how many rows of a.x and a.mixed go on.
template <class Attend>
void runLayers(const Model& m, Index M, const Activations& a, Attend attend) {
  for (Index i = 0; i < m.c.layers; i++) {
    const Layer& l = m.layers[i];
    linear(m, M, l.qkv, {a.x, l.norm1, a.normed}, a.qkv);
    M = attend(i);
    LinearOf out = {a.mixed}, up = {a.x2, l.norm2, a.normed}, down = {a.inner};
    out.residual = a.x;
    up.act = m.gated ? 0 : m.c.act;
    down.residual = a.x2;
    linear(m, M, l.out, out, a.x2);
    linear(m, M, l.up, up, m.gated ? a.gates : a.inner);
    if (m.gated) gluRows(m.type, M, m.c.inner, m.c.act, a.gates, a.inner);
    linear(m, M, l.down, down, a.x);
  }
}

} // namespace ilf::cuda
