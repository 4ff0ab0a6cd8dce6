// Cross entropy and KL of linear layers' softmax.
#include "function.h"
#include "isa.h"

namespace ilf {
namespace {

napi_value crossEntropyForward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), V = args.dim(1, "V"), D = args.dim(2, "D");
  const float* h = args.floats(3, "h", times(M, D));
  const float* w = args.floats(4, "w", times(V, D));
  const int32_t* labels = args.ints(5, "labels", M);
  float* loss = args.floats(6, "loss", M);
  float* lse = args.floats(7, "lse", M);
  args.checkIds("labels", labels, M, -1, V);
  kernels->crossEntropyForward(M, V, D, h, w, labels, loss, lse);
  return nullptr;
}

napi_value crossEntropyBackward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), V = args.dim(1, "V"), D = args.dim(2, "D");
  const float* h = args.floats(3, "h", times(M, D));
  const float* w = args.floats(4, "w", times(V, D));
  const int32_t* labels = args.ints(5, "labels", M);
  const float* lse = args.floats(6, "lse", M);
  const float* dloss = args.floats(7, "dloss", M);
  float* dh = args.floatsOrNull(8, "dh", times(M, D));
  float* dw = args.floatsOrNull(9, "dw", times(V, D));
  args.checkIds("labels", labels, M, -1, V);
  kernels->crossEntropyBackward(M, V, D, h, w, labels, lse, dloss, dh, dw);
  return nullptr;
}

const Function functions[] = {
    {"crossEntropyForward", crossEntropyForward},
    {"crossEntropyBackward", crossEntropyBackward},
};

} // namespace

void defineLosses(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions, nullptr);
}

} // namespace ilf
