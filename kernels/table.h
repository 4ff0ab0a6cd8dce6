// The table of operations through which the binding calls an instruction set's kernels, or a GPU's.
#pragma once
#include <stdint.h>

namespace ilf {

typedef int64_t Index;

// How activations are stored: x, y and their gradients, where a parameter list says void*. Parameters, losses and
// log-sum-exps are floats.
enum Type { kFloat32, kBfloat16 };

struct DecoderConfig {
  Index layers, heads, width, inner, vocab, positions; // inner: width of the MLP
  float eps;
};

struct Kernels {
  const char* name;
#define OP(name, parameters) void(*name) parameters;
#include "ops.def"
#undef OP
};

extern const Kernels* kernels; // the ones in use

} // namespace ilf
