#include "ops.h"

#include <stdexcept>

namespace ilf::cuda {

void createDecoder(Type, const DecoderConfig&, const float* const*, void**) { throw std::runtime_error("createDecoder is not written yet"); }
void prefillDecoder(void*, Index, Index, const int32_t*, const int32_t*, Index, Index, bool*) { throw std::runtime_error("prefillDecoder is not written yet"); }
void stepDecoder(void*, Index, const int32_t*, const int32_t*, float, Index, float, const float*, int32_t*, float*, float*) { throw std::runtime_error("stepDecoder is not written yet"); }
void destroyDecoder(void*) { throw std::runtime_error("destroyDecoder is not written yet"); }

} // namespace ilf::cuda
