// Large blocks of floats.
#pragma once
#include <stdint.h>

namespace ilf {

// `count` floats, 64-byte aligned; blocks of 2 MiB and more lie on huge pages where the system has them (reading through
// one is 15 to 30 % faster then). Contents undefined; free() gives it back. Null where memory runs out. *got, if not null:
// how many floats there are, at least `count`.
float* allocateFloats(int64_t count, int64_t* got = nullptr);

} // namespace ilf
