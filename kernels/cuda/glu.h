// Gated linear units (Shazeer 2020) of rows that a decoder computes.
#pragma once
#include "device.h"

namespace ilf::cuda {

// y [M,I] = act(gate)·up, gates [M,2I]: a row's gate, then its up.
void gluRows(Type type, Index M, Index I, int act, const void* gates, void* y);

} // namespace ilf::cuda
