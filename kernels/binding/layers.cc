// Norms, attention, rotary embedding, embeddings.
#include "function.h"
#include "isa.h"

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
  const float* x = args.floats(4, "x", times(M, D));
  const float* gamma = args.floats(5, "gamma", D);
  const float* beta = args.floatsOrNull(6, "beta", D);
  float* y = args.floats(7, "y", times(M, D));
  float* mean = args.floatsOrNull(8, "mean", M);
  float* rstd = args.floats(9, "rstd", M);
  kernels->normForward(kind, M, D, eps, x, gamma, beta, y, mean, rstd);
  return nullptr;
}

napi_value normBackward(Args& args) {
  const int kind = normKind(args);
  const int64_t M = args.dim(1, "M", 0), D = args.dim(2, "D");
  const float* x = args.floats(3, "x", times(M, D));
  const float* gamma = args.floats(4, "gamma", D);
  const float* mean = args.floatsOrNull(5, "mean", M);
  if (kind == 0 && !mean) args.outOfRange("mean", "is needed where kind is 0");
  const float* rstd = args.floats(6, "rstd", M);
  const float* dy = args.floats(7, "dy", times(M, D));
  float* dx = args.floats(8, "dx", times(M, D));
  float* dgamma = args.floats(9, "dgamma", D);
  float* dbeta = args.floatsOrNull(10, "dbeta", D);
  kernels->normBackward(kind, M, D, x, gamma, mean, rstd, dy, dx, dgamma, dbeta);
  return nullptr;
}

napi_value attentionForward(Args& args) {
  const int64_t B = args.dim(0, "B", 0), T = args.dim(1, "T"), H = args.dim(2, "H"), Dh = args.dim(3, "Dh");
  const int64_t size = times(times(B, T), times(H, Dh));
  const float* qkv = args.floats(4, "qkv", times(3, size));
  float* y = args.floats(5, "y", size);
  float* lse = args.floats(6, "lse", times(times(B, H), T));
  kernels->attentionForward(B, T, H, Dh, qkv, y, lse);
  return nullptr;
}

napi_value attentionBackward(Args& args) {
  const int64_t B = args.dim(0, "B", 0), T = args.dim(1, "T"), H = args.dim(2, "H"), Dh = args.dim(3, "Dh");
  const int64_t size = times(times(B, T), times(H, Dh));
  const float* qkv = args.floats(4, "qkv", times(3, size));
  const float* y = args.floats(5, "y", size);
  const float* lse = args.floats(6, "lse", times(times(B, H), T));
  const float* dy = args.floats(7, "dy", size);
  float* dqkv = args.floats(8, "dqkv", times(3, size));
  kernels->attentionBackward(B, T, H, Dh, qkv, y, lse, dy, dqkv);
  return nullptr;
}

napi_value rotary(Args& args) {
  const int64_t B = args.dim(0, "B", 0), T = args.dim(1, "T"), H = args.dim(2, "H"), Dh = args.dim(3, "Dh");
  if (Dh % 2 != 0) args.outOfRange("Dh", "must be even");
  const double theta = args.number(4, "theta");
  const int64_t size = times(times(B, T), times(H, Dh));
  const int32_t* positions = args.ints(5, "positions", T);
  const float* x = args.floats(6, "x", size);
  float* y = args.floats(7, "y", size);
  kernels->rotary(B, T, H, Dh, theta, positions, x, y, args.flag(8));
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
  float* y = args.floats(6, "y", times(M, D));
  args.checkIds("ids", ids, M, 0, V);
  if (positions && wpe) args.checkIds("positions", positions, M, 0, P);
  kernels->embedForward(M, D, ids, positions, wte, wpe, y);
  return nullptr;
}

napi_value embedBackward(Args& args) {
  const int64_t M = args.dim(0, "M", 0), D = args.dim(1, "D");
  const int32_t* ids = args.ints(2, "ids", M);
  const int32_t* positions = args.intsOrNull(3, "positions", M);
  const float* dy = args.floats(4, "dy", times(M, D));
  int64_t V, P = 0;
  float* dwte = table(args, 5, "dwte", D, &V);
  float* dwpe = args.isNull(6) ? nullptr : table(args, 6, "dwpe", D, &P);
  if (dwpe && !positions) args.outOfRange("positions", "is needed for dwpe");
  args.checkIds("ids", ids, M, 0, V);
  if (dwpe) args.checkIds("positions", positions, M, 0, P);
  kernels->embedBackward(M, D, V, P, ids, positions, dy, dwte, dwpe);
  return nullptr;
}

const Function functions[] = {
    {"normForward", normForward},           {"normBackward", normBackward},
    {"attentionForward", attentionForward}, {"attentionBackward", attentionBackward},
    {"embedForward", embedForward},         {"embedBackward", embedBackward},
    {"rotary", rotary},
};

} // namespace

void defineLayers(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
