#include "sample.h"

#include "ops.h"

namespace ilf::cuda {
namespace {

__global__ void __launch_bounds__(kSampleThreads, 1) sampleRows(int V, const float* logits, Filters f, bool copied,
                                                                 const float* uniform, int32_t* tokens, float* logprob) {
  const Index b = blockIdx.x;
  sampleRow(V, logits + b * V, f, uniform[b], copied ? sharedMemory<float>() : nullptr, tokens + b, logprob + b);
}

} // namespace

size_t sampleShared(Index V) {
  static const int most = [] {
    int bytes = 0;
    check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0), "the device's attributes");
    return bytes;
  }();
  const size_t bytes = V * sizeof(float);
  return bytes + kSampleStatic <= static_cast<size_t>(most) ? bytes : 0;
}

void sample(Index B, Index V, const float* logits, float temperature, Index topK, float topP, const float* uniform,
            int32_t* tokens, float* logprob) {
  const size_t shared = sampleShared(V);
  const auto x = uploaded(logits, B * V), u = uploaded(uniform, B);
  Temporary<int32_t> drawn(B);
  Temporary<float> logs(B);
  const Filters f = {temperature, topP, topK};
  launch(sampleRows, blocksFor(B, 1), sampleThreads(V), shared, static_cast<int>(V), x, f, shared > 0, u, drawn, logs);
  download(tokens, drawn, B * sizeof(int32_t));
  download(logprob, logs, B * sizeof(float));
}

} // namespace ilf::cuda
