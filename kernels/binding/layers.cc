// Norms, attention, rotary embedding, embeddings.
#include "function.h"

namespace ilf {
namespace {

int normKind(Args& args) {
  const int64_t kind = args.dim(0, "kind", 0);
  if (kind > 1) args.outOfRange("kind", "must be 0 or 1");
  return static_cast<int>(kind);
}

napi_value normForward(Args& args) {
  const int kind = normKind(args);
  const int64_t M = args.dim(1, "M", 0), D = args.dim(2, "D");
  const float eps = static_cast<float>(args.number(3, "eps"));
  const Type type = args.type(4, "x");
  const void* x = args.activations(4, "x", times(M, D), type);
  const float* gamma = args.floats(5, "gamma", D);
  const float* beta = args.floatsOrNull(6, "beta", D);
  void* y = args.activations(7, "y", times(M, D), type);
  float* mean = args.floatsOrNull(8, "mean", M);
  float* rstd = args.floats(9, "rstd", M);
  kernels->normForward(type, kind, M, D, eps, x, gamma, beta, y, mean, rstd);
  return nullptr;
}

napi_value normBackward(Args& args) {
  const int kind = normKind(args);
  const int64_t M = args.dim(1, "M", 0), D = args.dim(2, "D");
  const Type type = args.type(3, "x");
  const void* x = args.activations(3, "x", times(M, D), type);
  const float* gamma = args.floats(4, "gamma", D);
  const float* mean = args.floatsOrNull(5, "mean", M);
  if (kind == 0 && args.isNull(5)) args.outOfRange("mean", "is needed where kind is 0");
  const float* rstd = args.floats(6, "rstd", M);
  const void* dy = args.activations(7, "dy", times(M, D), type);
  void* dx = args.activations(8, "dx", times(M, D), type);
  float* dgamma = args.floats(9, "dgamma", D);
  float* dbeta = args.floatsOrNull(10, "dbeta", D);
  kernels->normBackward(type, kind, M, D, x, gamma, mean, rstd, dy, dx, dgamma, dbeta);
  return nullptr;
}

napi_value attentionForward(Args& args) {
  const int64_t B = args.dim(0, "B", 0), T = args.dim(1, "T"), H = args.dim(2, "H"), Dh = args.dim(3, "Dh");
  const int64_t size = times(times(B, T), times(H, Dh));
  const Type type = args.type(4, "qkv");
  const void* qkv = args.activations(4, "qkv", times(3, size), type);
  void* y = args.activations(5, "y", size, type);
  float* lse = args.floats(6, "lse", times(times(B, H), T));
  kernels->attentionForward(type, B, T, H, Dh, qkv, y, lse);
  return nullptr;
}

napi_value attentionBackward(Args& args) {
  const int64_t B = args.dim(0, "B", 0), T = args.dim(1, "T"), H = args.dim(2, "H"), Dh = args.dim(3, "Dh");
  const int64_t size = times(times(B, T), times(H, Dh));
  const Type type = args.type(4, "qkv");
  const void* qkv = args.activations(4, "qkv", times(3, size), type);
  const void* y = args.activations(5, "y", size, type);
  const float* lse = args.floats(6, "lse", times(times(B, H), T));
  const void* dy = args.activations(7, "dy", size, type);
  void* dqkv = args.activations(8, "dqkv", times(3, size), type);
  kernels->attentionBackward(type, B, T, H, Dh, qkv, y, lse, dy, dqkv);
  return nullptr;
}

napi_value rotary(Args& args) {
  const int64_t B = args.dim(0, "B", 0), T = args.dim(1, "T"), H = args.dim(2, "H"), Dh = args.dim(3, "Dh");
  if (Dh % 2 != 0) args.outOfRange("Dh", "must be even");
  const double theta = args.number(4, "theta");
  const int64_t size = times(times(B, T), times(H, Dh));
  const int32_t* positions = args.ints(5, "positions", T);
  const Type type = args.type(6, "x");
  const void* x = args.activations(6, "x", size, type);
  void* y = args.activations(7, "y", size, type);
  kernels->rotary(type, B, T, H, Dh, theta, positions, x, y, args.flag(8));
  return nullptr;
}

// A table of rows of D floats; returns how many.
float* table(Args& args, int i, const char* name, int64_t D, int64_t* rows) {
  int64_t length;
  float* p = args.floatsOfAnyLength(i, name, &length);
  if (length % D != 0) args.outOfRange(name, "must have a multiple of D = " + std::to_string(D) + " elements");
  *rows = length / D;
  return p;
}

napi_value embedForward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), D = args.dim(1, "D");
  const int32_t* ids = args.ints(2, "ids", M);
  const int32_t* positions = args.intsOrNull(3, "positions", M);
  int64_t V, P = 0;
  const float* wte = table(args, 4, "wte", D, &V);
  const float* wpe = args.isNull(5) ? nullptr : table(args, 5, "wpe", D, &P);
  const Type type = args.type(6, "y");
  void* y = args.activations(6, "y", times(M, D), type);
  args.checkIds("ids", ids, M, 0, V);
  if (positions && wpe) args.checkIds("positions", positions, M, 0, P);
  kernels->embedForward(type, M, D, ids, positions, wte, wpe, y);
  return nullptr;
}

napi_value embedBackward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), D = args.dim(1, "D");
  const int32_t* ids = args.ints(2, "ids", M);
  const int32_t* positions = args.intsOrNull(3, "positions", M);
  const Type type = args.type(4, "dy");
  const void* dy = args.activations(4, "dy", times(M, D), type);
  int64_t V, P = 0;
  float* dwte = table(args, 5, "dwte", D, &V);
  float* dwpe = args.isNull(6) ? nullptr : table(args, 6, "dwpe", D, &P);
  if (dwpe && args.isNull(3)) args.outOfRange("positions", "is needed for dwpe");
  args.checkIds("ids", ids, M, 0, V);
  if (dwpe) args.checkIds("positions", positions, M, 0, P);
  kernels->embedBackward(type, M, D, V, P, ids, positions, dy, dwte, dwpe, args.flag(7));
  return nullptr;
}

napi_value gatherRows(Args& args) {
  const int64_t M = args.dim(0, "M", 0), D = args.dim(1, "D"), rowsOfX = args.dim(2, "rowsOfX", 0);
  const int32_t* rows = args.ints(3, "rows", M);
  const Type type = args.type(4, "x");
  const void* x = args.activations(4, "x", times(rowsOfX, D), type);
  void* y = args.activations(5, "y", times(M, D), type);
  args.checkIds("rows", rows, M, 0, rowsOfX);
  kernels->gatherRows(type, M, D, rows, x, y);
  return nullptr;
}

napi_value scatterRows(Args& args) {
  const int64_t M = args.dim(0, "M", 0), D = args.dim(1, "D"), rowsOfX = args.dim(2, "rowsOfX", 0);
  const int32_t* rows = args.ints(3, "rows", M);
  const Type type = args.type(4, "dy");
  const void* dy = args.activations(4, "dy", times(M, D), type);
  void* dx = args.activations(5, "dx", times(rowsOfX, D), type);
  args.checkIds("rows", rows, M, 0, rowsOfX);
  kernels->scatterRows(type, M, D, rowsOfX, rows, dy, dx);
  return nullptr;
}

napi_value convert(Args& args) {
  const int64_t n = args.dim(0, "n", 0);
  const Type from = args.type(1, "x"), to = args.type(2, "y");
  const void* x = args.activations(1, "x", n, from);
  void* y = args.activations(2, "y", n, to);
  kernels->convert(from, to, n, x, y);
  return nullptr;
}

napi_value add(Args& args) {
  const int64_t n = args.dim(0, "n", 0);
  const Type type = args.type(1, "a");
  const void* a = args.activations(1, "a", n, type);
  const void* b = args.activations(2, "b", n, type);
  kernels->add(type, n, a, b, args.activations(3, "sum", n, type));
  return nullptr;
}

napi_value scale(Args& args) {
  const int64_t n = args.dim(0, "n", 0);
  const Type type = args.type(1, "x");
  const void* x = args.activations(1, "x", n, type);
  const float by = static_cast<float>(args.number(2, "by"));
  kernels->scale(type, n, x, by, args.activations(3, "y", n, type));
  return nullptr;
}

const Function functions[] = {
    {"normForward", normForward},           {"normBackward", normBackward},
    {"attentionForward", attentionForward}, {"attentionBackward", attentionBackward},
    {"embedForward", embedForward},         {"embedBackward", embedBackward},
    {"gatherRows", gatherRows},             {"scatterRows", scatterRows},
    {"rotary", rotary},                     {"convert", convert},
    {"add", add},                           {"scale", scale},
};

} // namespace

void defineLayers(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
