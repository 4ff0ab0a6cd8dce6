// One token from one row of logits.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

struct Filters {
  float temperature; // 0: argmax
  Index topK;        // 0: off
  float topP;        // 1: off
};

// uniform in [0,1). *logprob: the token's log-probability at temperature 1, unfiltered.
void sampleRow(Index V, const float* logits, const Filters& f, float uniform, int32_t* token, float* logprob);

} // namespace ILF_NS
} // namespace ilf
