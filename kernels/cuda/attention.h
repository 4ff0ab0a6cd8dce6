// Attention in float32, of heads of any size (attention_products.cu), for attention.cu. Parameters as in ops.def.
#pragma once
#include "device.h"

namespace ilf::cuda {

void attentionForwardByProducts(Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v, float* y,
                                float* lse);
void attentionBackwardByProducts(Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v,
                                 const float* y, const float* lse, const float* dy, float* dq, float* dk, float* dv);

} // namespace ilf::cuda
