// Layers of 9 to 64 rows in bfloat16, on tensor cores. A row's numbers do not depend on how many rows there are.
#pragma once
#include "few_rows.h"

namespace ilf::cuda {

constexpr Index kSkinnyRows = 64; // at most

// Where few outputs are computed by several blocks each, what these have summed meets here.
struct SplitSums {
  float* parts;  // of each block: [rows,outputs]
  int32_t* done; // of each tile of outputs: blocks that are done; zeros between products
};
// How many of each a layer without a norm before it takes.
Index splitSumsParts(const Weights& w);
Index splitSumsDone(const Weights& w);

// Whether skinnyRows() is taken instead of multiply().
bool isSkinny(Type type, Index rows, const Weights& w, bool normed);
void skinnyRows(const FewRows& f, const SplitSums& sums);

} // namespace ilf::cuda
