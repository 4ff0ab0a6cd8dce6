// Per-thread scratch memory that only grows: a fresh buffer of a million floats would cost 80–170 µs a call.
#pragma once
#include <stdint.h>

namespace ilf {

// One slot per use that may be alive at the same time on one thread.
enum Slot {
  kPackA,  // a transposed left operand's block
  kPackB,  // the right operand, packed
  kPackB2, // a second one
  kPartial, // sums over a part of K
  kOp0,    // the operation's own
  kOp1,
  kOp2,
  kOp3,
  kTask0, // a task's own
  kTask1,
  kSlots
};

// At least `count` floats, 64-byte aligned, contents undefined. Valid until the slot is asked for again on this thread.
// Throws std::bad_alloc.
float* scratch(Slot slot, int64_t count);

} // namespace ilf
