// Large blocks of floats, and how much of them there is.
#pragma once
#include <stdint.h>

namespace ilf {

// `count` floats, 64-byte aligned; blocks of 2 MiB and more lie on huge pages where the system has them (reading through
// one is 15 to 30 % faster then). Contents undefined. Null where memory runs out. *got: how many floats there are, at least
// `count`.
float* allocateFloats(int64_t count, int64_t* got);

// Gives back a block and its `got` floats; p may be null.
void freeFloats(float* p, int64_t got);

// Bytes of all blocks, of all threads.
int64_t heldBytes();

} // namespace ilf
