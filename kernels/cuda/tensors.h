// What tfjs programs need besides the operations of ops.def: elementwise functions with broadcasting, reductions, and
// copies between any strides, all of float32. Everything rarer runs on the host.
#pragma once
#include "device.h"

namespace ilf::cuda {

// tfjs' names; src/engine/engines/cuda/kernels.ts numbers them alike.
enum Unary { kAbs, kExp, kLog, kSqrt, kRsqrt, kSquare, kNeg, kReciprocal, kRelu, kSigmoid, kTanh, kSin, kCos, kErf, kExpm1, kLog1p, kSoftplus, kElu, kUnaries };
enum Binary { kAdd, kSub, kMultiply, kRealDiv, kMaximum, kMinimum, kSquaredDifference, kPow, kBinaries };
enum Reduction { kSum, kMean, kMax, kMin, kReductions };

constexpr int kMostDims = 6;

// Where the elements of a tensor of some shape lie in another's memory: element (i0, i1, …) at offset + Σ i·stride.
struct View {
  int dims;
  Index shape[kMostDims], strides[kMostDims], offset;
};

void unary(Unary f, Index n, const float* x, float* y);
// y (contiguous, of the views' shape) = f(a, b); a stride of 0 broadcasts.
void binary(Binary f, const View& viewA, const float* a, const View& viewB, const float* b, float* y);
// y [outer] of x [outer, inner].
void reduce(Reduction f, Index outer, Index inner, const float* x, float* y);
// The elements of one view into those of another of the same shape.
void copyView(const View& from, const float* x, const View& to, float* y);
void fillWith(float value, Index n, float* y);

} // namespace ilf::cuda
