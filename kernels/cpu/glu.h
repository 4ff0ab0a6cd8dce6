// Gated linear units (Shazeer 2020).
#pragma once
#include "gelu.h"

namespace ilf {
namespace ILF_NS {

// The number of each activation in ops.def's `act`.
constexpr int kGelu = 1, kSilu = 2;

// y = act(gate)·up, of n numbers.
template <class T>
void gluRow(int act, Index n, const T* gate, const T* up, T* y);

} // namespace ILF_NS
} // namespace ilf
