// Which instruction set's kernels run.
#pragma once
#include "../cpu/table.h"

namespace ilf {

extern const Kernels* kernels; // the ones in use

constexpr int kMostSets = 5;
int availableKernels(const Kernels** list); // those this CPU can run, best last; at most kMostSets
void chooseKernels();                       // the best, or ILF_ISA from the environment

} // namespace ilf
