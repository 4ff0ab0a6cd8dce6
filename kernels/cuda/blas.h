// Matrix products. Everything is row-major.
#pragma once
#include <string>

#include "device.h"

namespace ilf::cuda {

// c [M,N] = act(op(a) [M,K] · op(b) [K,N] + bias) + residual, computed in float32: of float32 operands without rounding them,
// of bfloat16 operands on tensor cores.
struct Product {
  Index M, N, K;
  const void* a; // [M,K], or [K,M] if transA
  const void* b; // [K,N], or [N,K] if transB
  void* c;
  bool transA = false, transB = false;
  Type operands = kFloat32, result = kFloat32; // result may be kFloat32 for bfloat16 operands
  Index lda = 0, ldb = 0, ldc = 0;             // elements between rows; 0: as many as a row has
  bool accumulate = false;                     // added to c
  // Together with act or residual of `result`'s type and of c's strides.
  const float* bias = nullptr;    // [N]
  const bf16* bias16 = nullptr;   // the same rounded, where the caller has it: the library wants it with bfloat16 results
  int act = 0;                    // 1: GELU, tanh form
  const void* residual = nullptr; // like c
  void* pre = nullptr;            // like c: op(a)·op(b) + bias, where act is 1
  // Independent products, so many elements apart.
  Index batch = 1, strideA = 0, strideB = 0, strideC = 0;
};

void multiply(const Product& p);

// What multiply() is made of, each of which computes a whole Product or nothing. The library's, where it has one with what
// comes after the sum in one kernel (cublaslt.cc); else its sum and a kernel that does the rest (multiply.cu); else ours.
bool libraryProduct(const Product& p);
bool finishedProduct(const Product& p);
void plainProduct(const Product& p);

// How many products each has computed; those of a captured graph count once.
struct ProductCounts {
  int64_t library, finished, plain;
};
extern ProductCounts products;

// How often it was forgotten which algorithms the library takes: a product that ran before then tries them again when it next
// runs, which must not be while a graph is captured.
int64_t timesAlgorithmsForgotten();

// Opens the library, at this path or by its usual names; throws std::runtime_error where it does not open.
void openBlas(const char* path);
// Whether there is a library, and it is not turned off (switches.h); looks for it by its usual names if need be.
bool hasLibrary();
// Its version for people.
std::string blasVersion();

} // namespace ilf::cuda
