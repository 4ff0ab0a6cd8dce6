#include "ops.h"

#include <stdexcept>

namespace ilf::cuda {

void adamw(Index, const Index*, float* const*, const float* const*, float* const*, float* const*, const double*, double, double, double, double, double, double) { throw std::runtime_error("adamw is not written yet"); }

} // namespace ilf::cuda
