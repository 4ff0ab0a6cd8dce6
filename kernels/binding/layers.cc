// Norms, attention, rotary embedding, gated units, embeddings.
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
  const void* residual = args.activationsOrNull(8, "residual", times(M, D), type);
  void* dx = args.activations(9, "dx", times(M, D), type);
  float* dgamma = args.floats(10, "dgamma", D);
  float* dbeta = args.floatsOrNull(11, "dbeta", D);
  kernels->normBackward(type, kind, M, D, x, gamma, mean, rstd, dy, residual, dx, dgamma, dbeta);
  return nullptr;
}

// Three arguments from number i on: an array, where the first of M tokens begins in it, and how far tokens are apart; each has
// `width` numbers.
Strided strided(Args& args, int i, const char* name, int64_t M, int64_t width, Type type) {
  int64_t length;
  const void* data = args.activationsOfAnyLength(i, name, type, &length);
  const int64_t at = args.dim(i + 1, "at", 0), ld = args.dim(i + 2, "ld");
  if (ld < width || (M > 0 && at + times(M - 1, ld) + width > length))
    args.outOfRange(name, "must hold " + std::to_string(M) + " rows of " + std::to_string(width) + " numbers, " +
                              std::to_string(ld) + " apart, from " + std::to_string(at) + " on, has " +
                              std::to_string(length));
  return {static_cast<const char*>(data) + at * (type == kFloat32 ? 4 : 2), ld};
}

// The first 14 arguments of either attention.
struct Attention {
  int64_t B, T, H, KV, Dh, size; // of y
  Type type;
  Strided q, k, v;

  explicit Attention(Args& args)
      : B(args.dim(0, "B", 0)), T(args.dim(1, "T")), H(args.dim(2, "H")), KV(args.dim(3, "KV")), Dh(args.dim(4, "Dh")),
        size(times(times(B, T), times(H, Dh))), type(args.type(5, "q")) {
    if (H % KV != 0) args.outOfRange("KV", "must divide H");
    q = strided(args, 5, "q", times(B, T), times(H, Dh), type);
    k = strided(args, 8, "k", times(B, T), times(KV, Dh), type);
    v = strided(args, 11, "v", times(B, T), times(KV, Dh), type);
  }
};

napi_value attentionForward(Args& args) {
  const Attention a(args);
  void* y = args.activations(14, "y", a.size, a.type);
  float* lse = args.floats(15, "lse", times(times(a.B, a.H), a.T));
  kernels->attentionForward(a.type, a.B, a.T, a.H, a.KV, a.Dh, a.q, a.k, a.v, y, lse);
  return nullptr;
}

napi_value attentionBackward(Args& args) {
  const Attention a(args);
  const void* y = args.activations(14, "y", a.size, a.type);
  const float* lse = args.floats(15, "lse", times(times(a.B, a.H), a.T));
  const void* dy = args.activations(16, "dy", a.size, a.type);
  // Gradients lie as q, k and v do.
  const auto gradient = [&](int i, const char* name, int like, int64_t heads) {
    int64_t length;
    void* data = args.activationsOfAnyLength(i, name, a.type, &length);
    const int64_t at = args.dim(like + 1, "at", 0), ld = args.dim(like + 2, "ld");
    if (a.size > 0 && at + times(times(a.B, a.T) - 1, ld) + times(heads, a.Dh) > length)
      args.outOfRange(name, "must be like what it is the gradient of, has " + std::to_string(length));
    return static_cast<void*>(static_cast<char*>(data) + at * (a.type == kFloat32 ? 4 : 2));
  };
  void *dq = gradient(17, "dq", 5, a.H), *dk = gradient(18, "dk", 8, a.KV), *dv = gradient(19, "dv", 11, a.KV);
  kernels->attentionBackward(a.type, a.B, a.T, a.H, a.KV, a.Dh, a.q, a.k, a.v, y, lse, dy, dq, dk, dv);
  return nullptr;
}

napi_value rotary(Args& args) {
  const int64_t M = args.dim(0, "M", 0), heads = args.dim(1, "heads"), turned = args.dim(2, "turned"), Dh = args.dim(3, "Dh");
  const int32_t* positions = args.ints(4, "positions", M);
  int64_t pairs;
  const double* frequencies = args.doublesOfAnyLength(5, "frequencies", &pairs);
  if (turned > heads) args.outOfRange("turned", "must not be more than heads");
  if (2 * pairs > Dh) args.outOfRange("frequencies", "must not be more than half of Dh = " + std::to_string(Dh));
  const Rotation rotation = {pairs, frequencies, args.flag(6), args.number(7, "scale")};
  const int64_t size = times(M, times(heads, Dh));
  const Type type = args.type(9, "x");
  const void* x = args.activations(9, "x", size, type);
  kernels->rotary(type, M, heads, turned, Dh, positions, rotation, args.flag(8), x, args.activations(10, "y", size, type));
  return nullptr;
}

int gluActivation(Args& args) {
  const int64_t act = args.dim(1, "act");
  if (act > 2) args.outOfRange("act", "must be 1 or 2");
  return static_cast<int>(act);
}

napi_value gluForward(Args& args) {
  const int64_t n = args.dim(0, "n", 0);
  const Type type = args.type(2, "gate");
  const void *gate = args.activations(2, "gate", n, type), *up = args.activations(3, "up", n, type);
  kernels->gluForward(type, n, gluActivation(args), gate, up, args.activations(4, "y", n, type));
  return nullptr;
}

napi_value gluBackward(Args& args) {
  const int64_t n = args.dim(0, "n", 0);
  const Type type = args.type(2, "gate");
  const void *gate = args.activations(2, "gate", n, type), *up = args.activations(3, "up", n, type);
  const void* dy = args.activations(4, "dy", n, type);
  void *dgate = args.activations(5, "dgate", n, type), *dup = args.activations(6, "dup", n, type);
  kernels->gluBackward(type, n, gluActivation(args), gate, up, dy, dgate, dup);
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
    {"gluForward", gluForward},             {"gluBackward", gluBackward},
    {"rotary", rotary},                     {"convert", convert},
    {"add", add},                           {"scale", scale},
};

} // namespace

void defineLayers(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
