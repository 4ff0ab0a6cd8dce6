#include "ops.h"

namespace ilf {

static const Kernels cudaKernels = {
    "cuda",
#define OP(name, parameters) cuda::name,
#include "../ops.def"
#undef OP
    cuda::startStep,
    cuda::readStep,
};

const Kernels* kernels = &cudaKernels;

} // namespace ilf
