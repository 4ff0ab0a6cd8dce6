#include "memory.h"

#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <atomic>

namespace ilf {
namespace {

std::atomic<int64_t> held{0};

} // namespace

float* allocateFloats(int64_t count, int64_t* got) {
  constexpr size_t huge = size_t(2) << 20;
  size_t bytes = static_cast<size_t>(count) * sizeof(float);
  const size_t align = bytes >= huge ? huge : 64;
  bytes = (bytes + align - 1) / align * align;
  void* p = nullptr;
  if (posix_memalign(&p, align, bytes) != 0) return nullptr;
#if defined(__linux__)
  if (bytes >= huge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  *got = static_cast<int64_t>(bytes / sizeof(float));
  held += static_cast<int64_t>(bytes);
  return static_cast<float*>(p);
}

void freeFloats(float* p, int64_t got) {
  if (!p) return;
  held -= got * static_cast<int64_t>(sizeof(float));
  free(p);
}

int64_t heldBytes() { return held; }

} // namespace ilf
