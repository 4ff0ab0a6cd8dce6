// What can be turned off to find a fault, or to get around one. Read from the environment once; src/engine/environment.ts
// refuses values that mean nothing.
#pragma once

namespace ilf::cuda {

struct Switches {
  bool overlap; // ILF_CUDA_OVERLAP=0: no kernel starts before the one ahead of it is done (overlap.h)
  bool graphs;  // ILF_CUDA_GRAPHS=0: the decoder enqueues each step kernel by kernel (decoder.cu)
  bool library; // ILF_CUDA_BLAS=plain: products by plain_product.cu, never by cuBLASLt
};

const Switches& switches();

} // namespace ilf::cuda
