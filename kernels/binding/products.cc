// Matrix products and linear layers.
#include "function.h"

namespace ilf {
namespace {

// Elements that `batch` matrices of `size` take, `stride` apart.
int64_t extent(int64_t batch, int64_t stride, int64_t size) { return batch == 0 ? 0 : times(batch - 1, stride) + size; }

napi_value gemm(Args& args) {
  const int64_t M = args.dim(0, "M", 0), N = args.dim(1, "N"), K = args.dim(2, "K");
  const float* a = args.floats(3, "a", times(M, K));
  const float* b = args.floats(5, "b", times(K, N));
  float* c = args.floats(7, "c", times(M, N));
  if (M > 0) kernels->gemm(M, N, K, a, args.flag(4), b, args.flag(6), c, args.flag(8));
  return nullptr;
}

napi_value gemmBf16(Args& args) {
  const int64_t M = args.dim(0, "M", 0), N = args.dim(1, "N"), K = args.dim(2, "K");
  const float* a = args.floats(3, "a", times(M, K));
  const float* b = args.floats(5, "b", times(K, N));
  float* c = args.floats(7, "c", times(M, N));
  if (M > 0) kernels->gemmBf16(M, N, K, a, args.flag(4), b, args.flag(6), c);
  return nullptr;
}

// An operand may be longer than its matrices take: a view of a larger array.
const float* operand(Args& args, int i, const char* name, int64_t least) {
  int64_t length;
  const float* p = args.floatsOfAnyLength(i, name, &length);
  if (length < least)
    args.outOfRange(name, "must have at least " + std::to_string(least) + " elements, has " + std::to_string(length));
  return p;
}

napi_value batchGemm(Args& args) {
  const int64_t batch = args.dim(0, "batch", 0), M = args.dim(1, "M", 0), N = args.dim(2, "N"), K = args.dim(3, "K");
  const int64_t strideA = args.dim(5, "strideA", 0), strideB = args.dim(8, "strideB", 0);
  const float* a = operand(args, 4, "a", extent(batch, strideA, times(M, K)));
  const float* b = operand(args, 7, "b", extent(batch, strideB, times(K, N)));
  float* c = args.floats(10, "c", times(batch, times(M, N)));
  if (M > 0) kernels->batchGemm(batch, M, N, K, a, strideA, args.flag(6), b, strideB, args.flag(9), c);
  return nullptr;
}

int activation(Args& args, int i) {
  const int64_t act = args.dim(i, "act", 0);
  if (act > 1) args.outOfRange("act", "must be 0 or 1");
  return static_cast<int>(act);
}

napi_value linearForward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), N = args.dim(1, "N"), K = args.dim(2, "K");
  const Type type = args.type(3, "x");
  const void* x = args.activations(3, "x", times(M, K), type);
  const float* w = args.floats(4, "w", times(K, N));
  const float* bias = args.floatsOrNull(6, "bias", N);
  const int act = activation(args, 7);
  const void* residual = args.activationsOrNull(8, "residual", times(M, N), type);
  void* y = args.activations(9, "y", times(M, N), type);
  void* pre = args.activationsOrNull(10, "pre", times(M, N), type);
  if (M > 0) kernels->linearForward(type, M, N, K, x, w, args.flag(5), bias, act, residual, y, pre);
  return nullptr;
}

napi_value linearBackward(Args& args) {
  const int64_t M = args.dim(0, "M"), N = args.dim(1, "N"), K = args.dim(2, "K");
  const Type type = args.type(3, "x");
  const void* x = args.activations(3, "x", times(M, K), type);
  const float* w = args.floats(4, "w", times(K, N));
  const int act = activation(args, 6);
  const void* pre = args.activationsOrNull(7, "pre", times(M, N), type);
  if (act == 1 && !pre) args.outOfRange("pre", "is needed where act is 1");
  const void* dy = args.activations(8, "dy", times(M, N), type);
  void* dx = args.activationsOrNull(9, "dx", times(M, K), type);
  float* dw = args.floatsOrNull(10, "dw", times(K, N));
  float* dbias = args.floatsOrNull(11, "dbias", N);
  kernels->linearBackward(type, M, N, K, x, w, args.flag(5), act, pre, dy, dx, dw, dbias);
  return nullptr;
}

const Function functions[] = {
    {"gemm", gemm},
    {"gemmBf16", gemmBf16},
    {"batchGemm", batchGemm},
    {"linearForward", linearForward},
    {"linearBackward", linearBackward},
};

} // namespace

void defineProducts(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
