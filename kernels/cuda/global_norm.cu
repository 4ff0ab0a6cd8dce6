#include "ops.h"

#include <stdexcept>

namespace ilf::cuda {

void globalNorm(Index, const Index*, const float* const*, double*) { throw std::runtime_error("globalNorm is not written yet"); }

} // namespace ilf::cuda
