// Which instruction set's kernels run.
#pragma once
#include "../../table.h"

namespace ilf {

extern const Kernels portableKernels, avx2Kernels, avx512Kernels, avx512bf16Kernels, wideKernels;

constexpr int kMostSets = 5;
int availableKernels(const Kernels** list); // those this CPU can run, best last; at most kMostSets
void chooseKernels();                       // the best, or ILF_ISA from the environment

} // namespace ilf
