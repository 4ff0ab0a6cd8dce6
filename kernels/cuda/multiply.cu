// Products with what comes after them. The library fuses most of it; what it cannot is a pass over its result here; and what
// it refuses altogether is a kernel of ours, so that no product is missing because of a library's version.
#include "blas.h"
#include "gelu.h"

namespace ilf::cuda {
namespace {

// c = act(product + bias) + residual; rows ldc apart, those of the product N. grid: columns in blocks, rows.
template <class T>
__global__ void finish(Index N, Index ldc, const float* __restrict__ product, const float* __restrict__ bias, int act,
                       const T* residual, T* c, T* pre) {
  const Index n = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x, at = blockIdx.y * ldc + n;
  if (n >= N) return;
  float x = product[blockIdx.y * N + n];
  if (bias) x += bias[n];
  if (pre) pre[at] = fromFloat<T>(x);
  if (act == 1) x = gelu(x);
  if (residual) x += toFloat(residual[at]);
  c[at] = fromFloat<T>(x);
}

constexpr unsigned kThreads = 128;
constexpr Index kRowsOfGrid = 65535;

} // namespace

ProductCounts products = {};

bool finishedProduct(const Product& p) {
  if (!hasLibrary() || !(p.bias || p.act || p.residual) || p.accumulate || p.batch > 1) return false;
  // In float32 first, so that the result is rounded once. (In a captured graph this becomes memory of the graph.)
  const Temporary<float> product(p.M * p.N);
  Product sum = p;
  sum.bias = nullptr;
  sum.bias16 = nullptr;
  sum.act = 0;
  sum.residual = sum.pre = nullptr;
  sum.c = product;
  sum.result = kFloat32;
  sum.ldc = 0;
  if (!libraryProduct(sum)) return false;
  withType(p.result, [&](auto t) {
    typedef decltype(t) T;
    const Index ldc = p.ldc ? p.ldc : p.N;
    for (Index m = 0; m < p.M; m += kRowsOfGrid) {
      const dim3 grid(blocksFor(p.N, kThreads), static_cast<unsigned>(p.M - m < kRowsOfGrid ? p.M - m : kRowsOfGrid));
      const auto row = [&](const void* x) { return x ? static_cast<const T*>(x) + m * ldc : nullptr; };
      launch(finish<T>, grid, kThreads, 0, p.N, ldc, static_cast<const float*>(product) + m * p.N, p.bias, p.act,
             row(p.residual), const_cast<T*>(row(p.c)), const_cast<T*>(row(p.pre)));
    }
  });
  return true;
}

void multiply(const Product& p) {
  if (p.M == 0 || p.N == 0 || p.batch == 0) return;
  if (libraryProduct(p)) products.library++;
  else if (finishedProduct(p)) products.finished++;
  else {
    plainProduct(p);
    products.plain++;
  }
}

} // namespace ilf::cuda
