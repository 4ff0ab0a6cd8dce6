// Declares every operation of kernels/ops.def for the GPU. Pointers are the device's, but for lists of pointers, ids and
// what ops.def says is the host's.
#pragma once
#include "device.h"

namespace ilf::cuda {
#define OP(name, parameters) void name parameters;
#include "../ops.def"
#undef OP
void startStep(void* decoder, Index R, const int32_t* rows, bool first, float temperature, Index topK, float topP,
               const float* uniform);
void readStep(void* decoder, int32_t* tokens, float* logprob);
} // namespace ilf::cuda
