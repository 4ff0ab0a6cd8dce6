// Declares every operation in the namespace of the instruction set being compiled.
#pragma once
#include "table.h"
#include "vec.h"

namespace ilf {
namespace ILF_NS {
#define OP(name, parameters) void name parameters;
#include "ops.def"
#undef OP
} // namespace ILF_NS
} // namespace ilf
