// A model's weights as the decoder keeps them.
#pragma once
#include "../table.h"
#include "vec.h"

namespace ilf {
namespace ILF_NS {

struct Norm {
  const float *gamma, *beta; // [D]; beta null where there is none
};

struct Linear {
  Index N, K;
  const float* packed; // K x N
  const float* bias;   // [N] or null
};

struct Layer {
  Norm norm1;
  Linear qkv, out; // [D,qkvWidth], [mixedWidth,D]
  Norm norm2;
  Linear up, down; // [D,I], gated [D,2I]: gate, then up; [I,D]
};

struct Model {
  Type type; // of activations, of the products' operands, and of the cache
  DecoderConfig c;
  bool gated;
  const float *wte, *wpe; // the caller's
  Layer* layers;
  Norm norm;
  const float* head; // packed as [D,V]
  float* memory;     // what all of this points into, but for the caller's
  Index held;        // floats of it
};

// False where memory runs out; either way closeModel frees. m is zeros before.
bool openModel(Model& m, Type type, const DecoderConfig& c, const ModelWeights& weights);
// Other weights of the same shapes in the memory of the last ones. False where memory to pack them runs out.
bool renewModel(Model& m, const ModelWeights& weights);
void closeModel(Model& m);

} // namespace ILF_NS
} // namespace ilf
