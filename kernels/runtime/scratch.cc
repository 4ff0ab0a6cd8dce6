#include "scratch.h"

#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <new>

#include "bytes.h"

namespace ilf {
namespace {

constexpr size_t kHuge = size_t(2) << 20;

struct Arena {
  float* data[kSlots] = {};
  int64_t size[kSlots] = {};
  void release(int slot) {
    trackBytes(-size[slot] * static_cast<int64_t>(sizeof(float)));
    free(data[slot]);
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
  size_t bytes = static_cast<size_t>(count + count / 4 + 64) * sizeof(float);
  const size_t align = bytes >= kHuge ? kHuge : 64;
  bytes = (bytes + align - 1) / align * align;
  void* p = nullptr;
  if (posix_memalign(&p, align, bytes) != 0) throw std::bad_alloc();
#if defined(__linux__)
  if (bytes >= kHuge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  a.data[slot] = static_cast<float*>(p);
  a.size[slot] = static_cast<int64_t>(bytes / sizeof(float));
  trackBytes(static_cast<int64_t>(bytes));
  return a.data[slot];
}

} // namespace ilf
