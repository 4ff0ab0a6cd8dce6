#include "overlap.h"

#include "switches.h"

namespace ilf::cuda {
namespace {

// Whether waitForPrevious() waits, as compiled for this GPU: not where it runs code made for an earlier one.
__global__ void askWhetherItWaits(int32_t* waits) {
#if defined(ILF_EMULATED) || (defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900)
  *waits = 1;
#else
  *waits = 0;
#endif
}

} // namespace

bool overlaps() {
  static const bool can = [] {
    if (!switches().overlap) return false;
    int driver = 0;
    check(cudaDriverGetVersion(&driver), "the driver's version");
    const Temporary<int32_t> there(1);
    int32_t waits = 0;
    launch(askWhetherItWaits, 1, 1, 0, there);
    download(&waits, there, sizeof waits);
    return waits && driver >= 12030;
  }();
  return can;
}

} // namespace ilf::cuda
