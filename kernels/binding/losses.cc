// Cross entropy and KL of linear layers' softmax.
#include "function.h"

namespace ilf {
namespace {

napi_value crossEntropyForward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), V = args.dim(1, "V"), D = args.dim(2, "D");
  const Type type = args.type(3, "h");
  const void* h = args.activations(3, "h", times(M, D), type);
  const float* w = args.floats(4, "w", times(V, D));
  const int32_t* labels = args.ints(5, "labels", M);
  float* loss = args.floats(6, "loss", M);
  float* lse = args.floats(7, "lse", M);
  args.checkIds("labels", labels, M, -1, V);
  kernels->crossEntropyForward(type, M, V, D, h, w, labels, loss, lse);
  return nullptr;
}

napi_value crossEntropyBackward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), V = args.dim(1, "V"), D = args.dim(2, "D");
  const Type type = args.type(3, "h");
  const void* h = args.activations(3, "h", times(M, D), type);
  const float* w = args.floats(4, "w", times(V, D));
  const int32_t* labels = args.ints(5, "labels", M);
  const float* lse = args.floats(6, "lse", M);
  const float* dloss = args.floats(7, "dloss", M);
  void* dh = args.activationsOrNull(8, "dh", times(M, D), type);
  float* dw = args.floatsOrNull(9, "dw", times(V, D));
  args.checkIds("labels", labels, M, -1, V);
  kernels->crossEntropyBackward(type, M, V, D, h, w, labels, lse, dloss, dh, dw);
  return nullptr;
}

napi_value crossEntropyLoss(Args& args) {
  const int64_t M = args.dim(0, "M", 0), V = args.dim(1, "V"), D = args.dim(2, "D");
  const Type type = args.type(3, "h");
  const void* h = args.activations(3, "h", times(M, D), type);
  const float* w = args.floats(4, "w", times(V, D));
  const int32_t* labels = args.ints(5, "labels", M);
  const float* weights = args.floats(6, "weights", M);
  float* loss = args.floats(7, "loss", M);
  void* dh = args.activations(8, "dh", times(M, D), type);
  float* dw = args.floats(9, "dw", times(V, D));
  args.checkIds("labels", labels, M, -1, V);
  kernels->crossEntropyLoss(type, M, V, D, h, w, labels, weights, loss, dh, dw);
  return nullptr;
}

napi_value klForward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), V = args.dim(1, "V"), Dp = args.dim(2, "Dp"), Dq = args.dim(3, "Dq");
  const Type type = args.type(4, "hp");
  const void* hp = args.activations(4, "hp", times(M, Dp), type);
  const float* wp = args.floats(5, "wp", times(V, Dp));
  const void* hq = args.activations(6, "hq", times(M, Dq), type);
  const float* wq = args.floats(7, "wq", times(V, Dq));
  float* kl = args.floats(8, "kl", M);
  float* lseP = args.floats(9, "lseP", M);
  float* lseQ = args.floats(10, "lseQ", M);
  kernels->klForward(type, M, V, Dp, Dq, hp, wp, hq, wq, kl, lseP, lseQ);
  return nullptr;
}

napi_value klBackward(Args& args) {
  const int64_t M = args.dim(0, "M"), V = args.dim(1, "V"), Dp = args.dim(2, "Dp"), Dq = args.dim(3, "Dq");
  const Type type = args.type(4, "hp");
  const void* hp = args.activations(4, "hp", times(M, Dp), type);
  const float* wp = args.floats(5, "wp", times(V, Dp));
  const void* hq = args.activations(6, "hq", times(M, Dq), type);
  const float* wq = args.floats(7, "wq", times(V, Dq));
  const float* kl = args.floats(8, "kl", M);
  const float* lseP = args.floats(9, "lseP", M);
  const float* lseQ = args.floats(10, "lseQ", M);
  const float* dkl = args.floats(11, "dkl", M);
  void* dhp = args.activationsOrNull(12, "dhp", times(M, Dp), type);
  float* dwp = args.floatsOrNull(13, "dwp", times(V, Dp));
  void* dhq = args.activationsOrNull(14, "dhq", times(M, Dq), type);
  float* dwq = args.floatsOrNull(15, "dwq", times(V, Dq));
  kernels->klBackward(type, M, V, Dp, Dq, hp, wp, hq, wq, kl, lseP, lseQ, dkl, dhp, dwp, dhq, dwq);
  return nullptr;
}

const Function functions[] = {
    {"crossEntropyForward", crossEntropyForward},
    {"crossEntropyBackward", crossEntropyBackward},
    {"crossEntropyLoss", crossEntropyLoss},
    {"klForward", klForward},
    {"klBackward", klBackward},
};

} // namespace

void defineLosses(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
