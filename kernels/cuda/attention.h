// Attention in float32, of heads of any size (attention_products.cu), for attention.cu. Parameters as in ops.def.
#pragma once
#include "device.h"

namespace ilf::cuda {

void attentionForwardByProducts(Index B, Index T, Index H, Index Dh, const float* qkv, float* y, float* lse);
void attentionBackwardByProducts(Index B, Index T, Index H, Index Dh, const float* qkv, const float* y, const float* lse,
                                 const float* dy, float* dqkv);

} // namespace ilf::cuda
