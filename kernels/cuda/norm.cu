#include "ops.h"

#include <stdexcept>

namespace ilf::cuda {

void normForward(Type, int, Index, Index, float, const void*, const float*, const float*, void*, float*, float*) { throw std::runtime_error("normForward is not written yet"); }
void normBackward(Type, int, Index, Index, const void*, const float*, const float*, const float*, const void*, void*, float*, float*) { throw std::runtime_error("normBackward is not written yet"); }

} // namespace ilf::cuda
