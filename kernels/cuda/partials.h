// The end of sums over the rows of a matrix, of which blocks made a part each.
#pragma once
#include "device.h"

namespace ilf::cuda {

// Of partial [parts, N] the sums over parts, in a fixed order: a [split] of the first columns, b [N − split], unless null, of
// the others.
void sumPartials(Index parts, Index N, const float* partial, Index split, float* a, float* b);

} // namespace ilf::cuda
