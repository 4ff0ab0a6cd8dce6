#include "ops.h"

#include <stdexcept>

namespace ilf::cuda {

void rotary(Type, Index, Index, Index, Index, double, const int32_t*, const void*, void*, bool) { throw std::runtime_error("rotary is not written yet"); }

} // namespace ilf::cuda
