#include "ops.h"

namespace ilf {

static const Kernels cudaKernels = {
    "cuda",
#define OP(name, parameters) cuda::name,
#include "../ops.def"
#undef OP
};

const Kernels* kernels = &cudaKernels;

} // namespace ilf
