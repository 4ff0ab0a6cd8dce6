// Products as blas.h says, by plain loops: a reference without tricks.
#include "../cuda/blas.h"

#include <math.h>

#include <vector>

#include "queue.h"

namespace ilf::cuda {
namespace {

float read(const void* p, Type type, Index i) {
  return type == kFloat32 ? static_cast<const float*>(p)[i] : toFloat(static_cast<const bf16*>(p)[i]);
}
void write(void* p, Type type, Index i, float x) {
  if (type == kFloat32) static_cast<float*>(p)[i] = x;
  else static_cast<bf16*>(p)[i] = fromFloat<bf16>(x);
}

float gelu(float x) { return 0.5f * x * (1.f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x))); }

void run(const Product& p) {
  const Index lda = p.lda ? p.lda : p.transA ? p.M : p.K, ldb = p.ldb ? p.ldb : p.transB ? p.K : p.N;
  const Index ldc = p.ldc ? p.ldc : p.N;
  std::vector<float> a(p.M * p.K);
  std::vector<double> sums(p.N);
  for (Index batch = 0; batch < p.batch; batch++) {
    const Index a0 = batch * p.strideA, b0 = batch * p.strideB, c0 = batch * p.strideC;
    for (Index m = 0; m < p.M; m++)
      for (Index k = 0; k < p.K; k++) a[m * p.K + k] = read(p.a, p.operands, a0 + (p.transA ? k * lda + m : m * lda + k));
    std::vector<float> b(p.K * p.N);
    for (Index k = 0; k < p.K; k++)
      for (Index n = 0; n < p.N; n++) b[k * p.N + n] = read(p.b, p.operands, b0 + (p.transB ? n * ldb + k : k * ldb + n));
    for (Index m = 0; m < p.M; m++) {
      sums.assign(p.N, 0.);
      for (Index k = 0; k < p.K; k++) {
        const double x = a[m * p.K + k];
        for (Index n = 0; n < p.N; n++) sums[n] += x * b[k * p.N + n];
      }
      for (Index n = 0; n < p.N; n++) {
        const Index at = c0 + m * ldc + n;
        float x = static_cast<float>(sums[n]) + (p.bias ? p.bias[n] : 0.f);
        if (p.pre) write(p.pre, p.result, at, x);
        if (p.act == 1) x = gelu(x);
        if (p.residual) x += read(p.residual, p.result, at);
        if (p.accumulate) x += read(p.c, p.result, at);
        write(p.c, p.result, at, x);
      }
    }
  }
}

} // namespace

bool libraryProduct(const Product& p) {
  // As the library may: nothing fused where rows are not aligned.
  if (p.N % 8 != 0 && (p.bias || p.act || p.residual)) return false;
  if (p.M > 0 && p.N > 0 && p.batch > 0) emulated::enqueue([p] { run(p); });
  return true;
}

void openBlas(const char*) {}
std::string blasVersion() { return "emulated"; }

} // namespace ilf::cuda
