#include "scratch.h"

#include <new>

#include "memory.h"

namespace ilf {
namespace {

struct Arena {
  float* data[kSlots] = {};
  int64_t size[kSlots] = {};
  void release(int slot) {
    freeFloats(data[slot], size[slot]);
    data[slot] = nullptr;
    size[slot] = 0;
  }
  ~Arena() {
    for (int slot = 0; slot < kSlots; slot++) release(slot);
  }
};

thread_local Arena arena;

} // namespace

float* scratch(Slot slot, int64_t count) {
  Arena& a = arena;
  if (a.size[slot] >= count && a.data[slot]) return a.data[slot];
  a.release(slot);
  a.data[slot] = allocateFloats(count + count / 4 + 64, &a.size[slot]);
  if (!a.data[slot]) throw std::bad_alloc();
  return a.data[slot];
}

} // namespace ilf
