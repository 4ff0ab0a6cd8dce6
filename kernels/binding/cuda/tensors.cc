// Elementwise functions, reductions and copies for tfjs' kernels.
#include "../../cuda/tensors.h"

#include "../function.h"
#include "memory.h"

namespace ilf {
namespace {

using cuda::View;

// [shape…, strides…, offset] of a view, in an Int32Array; checked against an array of `length` elements.
View viewArgument(Args& args, int i, const char* name, int64_t length) {
  int64_t count;
  const int32_t* numbers = args.intsOfAnyLength(i, name, &count);
  if (count % 2 == 0 || count / 2 > cuda::kMostDims) args.outOfRange(name, "must be a shape, strides and an offset");
  View view = {static_cast<int>(count / 2), {}, {}, numbers[count - 1]};
  int64_t least = view.offset, most = view.offset, size = 1;
  for (int d = 0; d < view.dims; d++) {
    view.shape[d] = numbers[d];
    view.strides[d] = numbers[view.dims + d];
    if (view.shape[d] < 0) args.outOfRange(name, "has a negative dimension");
    size = times(size, view.shape[d]);
    const int64_t reach = (view.shape[d] - 1) * view.strides[d];
    (reach < 0 ? least : most) += reach;
  }
  if (size > 0 && (least < 0 || most >= length)) args.outOfRange(name, "reaches beyond its array");
  return view;
}

int64_t sizeOf(const View& v) {
  int64_t n = 1;
  for (int d = 0; d < v.dims; d++) n *= v.shape[d];
  return n;
}

int code(Args& args, int i, int end) {
  const int64_t f = args.dim(i, "f", 0);
  if (f >= end) args.outOfRange("f", "is no function");
  return static_cast<int>(f);
}

napi_value unary(Args& args) {
  int64_t n;
  const float* x = args.floatsOfAnyLength(1, "x", &n);
  float* y = args.floats(2, "y", n);
  cuda::unary(static_cast<cuda::Unary>(code(args, 0, cuda::kUnaries)), n, x, y);
  return nullptr;
}

napi_value binary(Args& args) {
  int64_t lengthA, lengthB;
  const float* a = args.floatsOfAnyLength(2, "a", &lengthA);
  const float* b = args.floatsOfAnyLength(4, "b", &lengthB);
  const View viewA = viewArgument(args, 1, "viewA", lengthA), viewB = viewArgument(args, 3, "viewB", lengthB);
  if (viewA.dims != viewB.dims || sizeOf(viewA) != sizeOf(viewB)) args.outOfRange("viewB", "must have viewA's shape");
  cuda::binary(static_cast<cuda::Binary>(code(args, 0, cuda::kBinaries)), viewA, a, viewB, b, args.floats(5, "y", sizeOf(viewA)));
  return nullptr;
}

napi_value reduce(Args& args) {
  const int64_t outer = args.dim(1, "outer", 0), inner = args.dim(2, "inner");
  const float* x = args.floats(3, "x", times(outer, inner));
  cuda::reduce(static_cast<cuda::Reduction>(code(args, 0, cuda::kReductions)), outer, inner, x, args.floats(4, "y", outer));
  return nullptr;
}

napi_value copyView(Args& args) {
  int64_t lengthX, lengthY;
  const float* x = args.floatsOfAnyLength(1, "x", &lengthX);
  float* y = args.floatsOfAnyLength(3, "y", &lengthY);
  const View from = viewArgument(args, 0, "from", lengthX), to = viewArgument(args, 2, "to", lengthY);
  if (from.dims != to.dims || sizeOf(from) != sizeOf(to)) args.outOfRange("to", "must have from's shape");
  cuda::copyView(from, x, to, y);
  return nullptr;
}

napi_value fillWith(Args& args) {
  int64_t n;
  float* y = args.floatsOfAnyLength(1, "y", &n);
  cuda::fillWith(static_cast<float>(args.number(0, "value")), n, y);
  return nullptr;
}

const Function functions[] = {{"unary", unary}, {"binary", binary}, {"reduce", reduce}, {"copyView", copyView}, {"fillWith", fillWith}};

} // namespace

void defineTensors(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
