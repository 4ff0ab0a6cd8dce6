#include "ops.h"

#include <stdexcept>

namespace ilf::cuda {

void attentionForward(Type, Index, Index, Index, Index, const void*, void*, float*) { throw std::runtime_error("attentionForward is not written yet"); }
void attentionBackward(Type, Index, Index, Index, Index, const void*, const void*, const float*, const void*, void*) { throw std::runtime_error("attentionBackward is not written yet"); }

} // namespace ilf::cuda
