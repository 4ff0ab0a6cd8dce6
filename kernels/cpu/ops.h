// Declares every operation in the namespace of the instruction set being compiled.
#pragma once
#include "../table.h"
#include "vec.h"

namespace ilf {
namespace ILF_NS {
#define OP(name, parameters) void name parameters;
#include "../ops.def"
#undef OP

// f(T()) with the type that activations are stored in.
template <class F>
ILF_INLINE void withType(Type type, F f) {
  if (type == kFloat32) f(float());
  else f(bf16());
}
} // namespace ILF_NS
} // namespace ilf
