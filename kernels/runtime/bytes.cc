#include "bytes.h"

#include <atomic>

namespace ilf {
namespace {

// No destructor: threads that end after static destructors still count down.
std::atomic<int64_t> held{0};

} // namespace

void trackBytes(int64_t change) { held.fetch_add(change, std::memory_order_relaxed); }
int64_t trackedBytes() { return held.load(std::memory_order_relaxed); }

} // namespace ilf
