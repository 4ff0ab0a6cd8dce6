// Rotary position embedding of rows that a decoder computes, in place.
#pragma once
#include "device.h"

namespace ilf::cuda {

struct StepRow;

// Of M rows of heads of Dh numbers, ld numbers apart, the first `turned` heads. rotation.frequencies is the device's. Positions:
// those of `rows`, or where that is null, those of sequences of `tokens`.
void turnRows(Type type, Index M, Index turned, Index Dh, Index ld, const Rotation& rotation, const StepRow* rows, Index tokens,
              void* x);

} // namespace ilf::cuda
