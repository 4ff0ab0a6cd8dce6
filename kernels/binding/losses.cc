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

napi_value klForward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), V = args.dim(1, "V"), Dp = args.dim(2, "Dp"), Dq = args.dim(3, "Dq");
  const float* hp = args.floats(4, "hp", times(M, Dp));
  const float* wp = args.floats(5, "wp", times(V, Dp));
  const float* hq = args.floats(6, "hq", times(M, Dq));
  const float* wq = args.floats(7, "wq", times(V, Dq));
  float* kl = args.floats(8, "kl", M);
  float* lseP = args.floats(9, "lseP", M);
  float* lseQ = args.floats(10, "lseQ", M);
  kernels->klForward(M, V, Dp, Dq, hp, wp, hq, wq, kl, lseP, lseQ);
  return nullptr;
}

napi_value klBackward(Args& args) {
  const int64_t M = args.dim(0, "M"), V = args.dim(1, "V"), Dp = args.dim(2, "Dp"), Dq = args.dim(3, "Dq");
  const float* hp = args.floats(4, "hp", times(M, Dp));
  const float* wp = args.floats(5, "wp", times(V, Dp));
  const float* hq = args.floats(6, "hq", times(M, Dq));
  const float* wq = args.floats(7, "wq", times(V, Dq));
  const float* kl = args.floats(8, "kl", M);
  const float* lseP = args.floats(9, "lseP", M);
  const float* lseQ = args.floats(10, "lseQ", M);
  const float* dkl = args.floats(11, "dkl", M);
  float* dhp = args.floatsOrNull(12, "dhp", times(M, Dp));
  float* dwp = args.floatsOrNull(13, "dwp", times(V, Dp));
  float* dhq = args.floatsOrNull(14, "dhq", times(M, Dq));
  float* dwq = args.floatsOrNull(15, "dwq", times(V, Dq));
  kernels->klBackward(M, V, Dp, Dq, hp, wp, hq, wq, kl, lseP, lseQ, dkl, dhp, dwp, dhq, dwq);
  return nullptr;
}

const Function functions[] = {
    {"crossEntropyForward", crossEntropyForward},
    {"crossEntropyBackward", crossEntropyBackward},
    {"klForward", klForward},
    {"klBackward", klBackward},
};

} // namespace

void defineLosses(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
