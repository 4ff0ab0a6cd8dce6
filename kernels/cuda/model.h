// A GPT-2-shaped model as the decoder keeps it, and its layers but for the attention.
#pragma once
#include <vector>

#include "few_rows.h"
#include "held.h"
#include "kv_cache.h"

namespace ilf::cuda {

struct Layer {
  const float *ln1Gamma, *ln1Beta; // [D]
  Weights qkv, proj;               // [3D,D], [D,D]
  const float *ln2Gamma, *ln2Beta; // [D]
  Weights fc, out;                 // [I,D], [D,I]
};

struct Model {
  Type type; // of activations, of the products' operands, and of the cache
  DecoderConfig c;
  Heads heads;
  std::vector<Layer> layers;
  const float *wte, *wpe;        // [V,D], [positions,D]; floats, so that sums of them are rounded once
  const float *lnGamma, *lnBeta; // [D]
  Weights head;                  // [paddedVocab,D]: wte, then zeros, so that every row of logits begins at 256 bytes
  Memory memory;                 // what all of this lies in

  // weights as in createDecoder, on the device; they are copied. Throws std::bad_alloc.
  Model(Type type, const DecoderConfig& config, const float* const* weights);

  Index elementSize() const { return type == kFloat32 ? 4 : 2; }
  Index paddedVocab() const { return head.N; }
};

// Of M rows on their way through the layers. Products write where nothing that they read lies: x and x2 alternate.
struct Activations {
  void *x, *x2;         // [M,D]
  void *normed, *mixed; // [M,D]
  void* qkv;            // [M,3D]
  void* inner;          // [M,I]
};
Activations takeActivations(const Model& m, Index M, Pieces& pieces);

// y [M,N] = act(norm(x) wᵀ + bias) + residual; the norm, into `normed`, only where gamma is not null.
struct LinearOf {
  const void* x;
  const float *gamma = nullptr, *beta = nullptr;
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
    linear(m, M, l.qkv, {a.x, l.ln1Gamma, l.ln1Beta, a.normed}, a.qkv);
    M = attend(i);
    LinearOf proj = {a.mixed}, fc = {a.x2, l.ln2Gamma, l.ln2Beta, a.normed}, out = {a.inner};
    proj.residual = a.x;
    fc.act = 1;
    out.residual = a.x2;
    linear(m, M, l.proj, proj, a.x2);
    linear(m, M, l.fc, fc, a.inner);
    linear(m, M, l.out, out, a.x);
  }
}

} // namespace ilf::cuda
