// What memory native code holds, over all threads.
#pragma once
#include <stdint.h>

namespace ilf {

// Whoever allocates memory that outlives a call says so here, and again, with the sign turned, when it frees it.
void trackBytes(int64_t change);
int64_t trackedBytes();

} // namespace ilf
