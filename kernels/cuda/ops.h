// Declares every operation of kernels/ops.def for the GPU. Pointers are the device's, but for lists of pointers, ids and
// what ops.def says is the host's.
#pragma once
#include "device.h"

namespace ilf::cuda {
#define OP(name, parameters) void name parameters;
#include "../ops.def"
#undef OP
} // namespace ilf::cuda
