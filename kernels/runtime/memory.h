// Large blocks of floats.
#pragma once
#include <stdint.h>

namespace ilf {

// `count` floats, 64-byte aligned (blocks of 2 MiB and more: on huge pages where the system has them, which a product that
// streams through all of a model's weights is a third faster on). Contents undefined; free() gives it back. Null where
// memory runs out. *got, if not null: how many floats there are, at least `count`.
float* allocateFloats(int64_t count, int64_t* got = nullptr);

} // namespace ilf
