// The table of operations through which the binding calls an instruction set's kernels, or a GPU's.
#pragma once
#include <stdint.h>

namespace ilf {

typedef int64_t Index;

// How activations are stored: x, y and their gradients, where a parameter list says void*. Parameters, losses and
// log-sum-exps are floats.
enum Type { kFloat32, kBfloat16 };

// Activations of tokens that lie `ld` elements apart.
struct Strided {
  const void* data;
  Index ld;
};

// Rotary embedding: the first 2·pairs numbers of a head turn in pairs, (i, i + pairs) or, interleaved, (2i, 2i + 1), by
// frequencies [pairs] radians a position, times scale.
struct Rotation {
  Index pairs;
  const double* frequencies;
  bool interleaved;
  double scale;
};

struct DecoderConfig {
  Index layers, width, heads, kvHeads, headDim, inner, vocab, positions; // inner: width within the MLP
  int norm;                                                              // 0 layer norm, 1 RMS norm
  float eps;
  int act;         // 1 GELU, 2 SiLU
  bool transposed; // weights are [out,in], else [in,out]
  Rotation rotation; // its frequencies are the caller's, for the call only; pairs 0: none

  Index group() const { return heads / kvHeads; }
  Index mixedWidth() const { return heads * headDim; }                  // of queries, and of attention's results
  Index qkvWidth() const { return (heads + 2 * kvHeads) * headDim; }
};

// A linear layer or a norm. Null where the model has none.
struct PartWeights {
  const float *weight, *bias;
};
// qkv, or q, k and v; gate or none.
struct LayerWeights {
  PartWeights norm1, qkv, q, k, v, out; // of attention
  PartWeights norm2, gate, up, down;    // of the MLP
};
struct ModelWeights {
  const float *wte, *wpe; // [V,D]; [positions,D] or null
  const LayerWeights* layers;
  PartWeights norm;
  const float* head; // [V,D], null: wte
};

// What an optimizer step says at its end: the sum of its losses, the norm of its gradients before clipping, and whether the
// parameters are finite after it. Where loss or norm is not, nothing has changed.
struct Outcome {
  double loss, gradNorm;
  bool finite;
};

struct Kernels {
  const char* name;
#define OP(name, parameters) void(*name) parameters;
#include "ops.def"
#undef OP
  // A step of the decoder in two halves, where the kernels run on their own: null where they do not. At most two are started
  // and not read. Each row has what it drew in the step before appended, or, of the first, draws what follows its prompt.
  void (*startStep)(void* decoder, Index R, const int32_t* rows, bool first, float temperature, Index topK, float topP,
                    const float* uniform) = nullptr;
  // What the earliest of them drew, when it is done.
  void (*readStep)(void* decoder, int32_t* tokens, float* logprob) = nullptr;
};

extern const Kernels* kernels; // the ones in use

} // namespace ilf
