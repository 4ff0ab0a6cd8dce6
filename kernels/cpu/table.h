// The table of one instruction set's operations, through which the binding calls them.
#pragma once
#include <stdint.h>

namespace ilf {

typedef int64_t Index;

// How activations are stored: x, y and their gradients, where a parameter list says void*. Parameters, losses and
// log-sum-exps are floats.
enum Type { kFloat32, kBfloat16 };

constexpr Index kNormBlock = 16384;

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

extern const Kernels portableKernels, avx2Kernels, avx512Kernels, avx512bf16Kernels, wideKernels;

} // namespace ilf
