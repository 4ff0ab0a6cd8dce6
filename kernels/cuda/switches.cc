#include "switches.h"

#include <stdlib.h>
#include <string.h>

namespace ilf::cuda {
namespace {

bool is(const char* value, const char* word) { return value && strcmp(value, word) == 0; }

} // namespace

const Switches& switches() {
  static const Switches read = {!is(getenv("ILF_CUDA_OVERLAP"), "0"), !is(getenv("ILF_CUDA_GRAPHS"), "0"),
                                !is(getenv("ILF_CUDA_BLAS"), "plain")};
  return read;
}

} // namespace ilf::cuda
