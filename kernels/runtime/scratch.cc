#include "scratch.h"

#include <stdlib.h>

#include <new>

#include "memory.h"

namespace ilf {
namespace {

struct Arena {
  float* data[kSlots] = {};
  int64_t size[kSlots] = {};
  ~Arena() {
    for (float* p : data) free(p);
  }
};

thread_local Arena arena;

} // namespace

float* scratch(Slot slot, int64_t count) {
  Arena& a = arena;
  if (a.size[slot] >= count && a.data[slot]) return a.data[slot];
  free(a.data[slot]);
  a.size[slot] = 0;
  a.data[slot] = allocateFloats(count + count / 4 + 64, &a.size[slot]);
  if (!a.data[slot]) throw std::bad_alloc();
  return a.data[slot];
}

} // namespace ilf
