// cuBLASLt, opened when it is first needed: the addon builds and loads without it, and runs with version 12 or 13. What it
// takes is declared here, in the little that we use of it; values as in NVIDIA's documentation of cuBLASLt.
//
// Which shapes and alignments it takes, and with which epilogues, changes from version to version and from GPU to GPU. So it is
// asked for several algorithms, and the first that runs is kept; where none does, libraryProduct() says so.
#include <dlfcn.h> // emulated, ../emulator/dlfcn.h, which opens ../emulator/blas.cc

#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "blas.h"
#include "ops.h"
#include "switches.h"

namespace ilf::cuda {
namespace {

typedef void* Handle;
struct Algorithm {
  uint64_t data[8];
};
struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

enum { kComputeFloat32 = 68 };     // CUBLAS_COMPUTE_32F
enum { kRealFloat32 = 0, kRealBfloat16 = 14 }; // CUDA_R_32F, CUDA_R_16BF
enum { kDescTransA = 3, kDescTransB = 4, kDescEpilogue = 7, kDescBias = 8, kDescAux = 11, kDescAuxLd = 12 };
enum { kEpilogueBias = 4, kEpilogueGelu = 32, kEpilogueAux = 128, kEpilogueDefault = 1 };
enum { kLayoutBatch = 5, kLayoutStride = 6 };
enum { kPreferWorkspace = 1, kPreferAlignmentA = 5 }; // those of B, C and D follow

// Names, results and parameters of the functions.
#define CUBLASLT_FUNCTIONS(F)                                                                                              \
  F(Create, (Handle*))                                                                                                     \
  F(MatmulDescCreate, (Handle*, int, int))                                                                                 \
  F(MatmulDescSetAttribute, (Handle, int, const void*, size_t))                                                            \
  F(MatmulDescDestroy, (Handle))                                                                                           \
  F(MatrixLayoutCreate, (Handle*, int, uint64_t, uint64_t, int64_t))                                                       \
  F(MatrixLayoutSetAttribute, (Handle, int, const void*, size_t))                                                          \
  F(MatrixLayoutDestroy, (Handle))                                                                                         \
  F(MatmulPreferenceCreate, (Handle*))                                                                                     \
  F(MatmulPreferenceSetAttribute, (Handle, int, const void*, size_t))                                                      \
  F(MatmulPreferenceDestroy, (Handle))                                                                                     \
  F(MatmulAlgoGetHeuristic, (Handle, Handle, Handle, Handle, Handle, Handle, Handle, int, Heuristic*, int*))               \
  F(Matmul, (Handle, Handle, const void*, const void*, Handle, const void*, Handle, const void*, const void*, Handle,      \
             void*, Handle, const Algorithm*, void*, size_t, cudaStream_t))

struct Library {
  std::string path;
  bool absent = false; // it was looked for, and does not open
  Handle handle = nullptr;
#define F(name, parameters) int(*name) parameters = nullptr;
  CUBLASLT_FUNCTIONS(F)
#undef F
  size_t (*GetVersion)() = nullptr;
  void* workspace = nullptr;
  bf16* bias = nullptr; // [kMostBias], rounded; one product after another uses it
};

constexpr size_t kWorkspace = 32 << 20; // what NVIDIA advises for Hopper
constexpr Index kMostBias = 1 << 18;

Library library;

void succeed(int status, const char* what) {
  if (status != 0) throw std::runtime_error(std::string("CUDA: cuBLASLt: ") + what + " failed with status " + std::to_string(status));
}

// Its handle and memory, made when they are first needed.
Library& ready() {
  if (!library.handle) {
    succeed(library.Create(&library.handle), "opening a handle (ILF_CUDA_BLAS=plain does without the library)");
    check(cudaMalloc(&library.workspace, kWorkspace), "the workspace of matrix products");
    void* bias;
    check(cudaMalloc(&bias, kMostBias * sizeof(bf16)), "the bias of matrix products");
    library.bias = static_cast<bf16*>(bias);
  }
  return library;
}

// What decides which algorithm fits: shapes, types, what is fused, and how far addresses are aligned.
struct Shape {
  Index M, N, K, lda, ldb, ldc, batch, strideA, strideB, strideC;
  int transA, transB, operands, result, epilogue, beta, alignA, alignB, alignC, alignD, alignBias, alignAux;
  auto key() const {
    return std::tie(M, N, K, lda, ldb, ldc, batch, strideA, strideB, strideC, transA, transB, operands, result, epilogue, beta,
                    alignA, alignB, alignC, alignD, alignBias, alignAux);
  }
  bool operator<(const Shape& other) const { return key() < other.key(); }
};

struct Plan {
  Handle desc = nullptr, a = nullptr, b = nullptr, c = nullptr;
  std::vector<Algorithm> algorithms; // best first, without those that were refused when they were to run; none: no product
};

constexpr size_t kMostPlans = 4096;
int64_t timesForgotten = 0;
constexpr int kMostAlgorithms = 8;

// What an epilogue reads and writes besides c; null where it does not.
struct Extras {
  const void* bias; // of the result's type
  void* aux;        // what GELU is taken of
};

int real(int type) { return type == kFloat32 ? kRealFloat32 : kRealBfloat16; }

// CUBLAS_STATUS_INVALID_VALUE, _ARCH_MISMATCH, _NOT_SUPPORTED: the same the next time. Others are faults.
bool isRefusal(int status) { return status == 7 || status == 8 || status == 15; }

// The largest power of two up to 256 that an address is a multiple of.
int alignment(const void* p) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(p) | 256;
  return static_cast<int>(address & -address);
}

Handle layout(Library& l, int type, Index rows, Index columns, Index ld, Index batch, Index stride) {
  Handle made;
  succeed(l.MatrixLayoutCreate(&made, real(type), rows, columns, ld), "a layout");
  if (batch > 1) {
    const int32_t count = static_cast<int32_t>(batch);
    const int64_t apart = stride;
    succeed(l.MatrixLayoutSetAttribute(made, kLayoutBatch, &count, sizeof count), "a layout's batch");
    succeed(l.MatrixLayoutSetAttribute(made, kLayoutStride, &apart, sizeof apart), "a layout's stride");
  }
  return made;
}

// The addresses, of which a description holds the last: set before each product, and before algorithms are asked for, as
// their alignment may matter.
void setExtras(Library& l, const Plan& plan, const Extras& e) {
  if (e.bias) succeed(l.MatmulDescSetAttribute(plan.desc, kDescBias, &e.bias, sizeof e.bias), "a description's bias");
  if (e.aux) succeed(l.MatmulDescSetAttribute(plan.desc, kDescAux, &e.aux, sizeof e.aux), "a description's second result");
}

// The library is column-major: a row-major c [M,N] is its [N,M], c' = op(b)' op(a)', so b is its first operand.
void describe(Library& l, const Shape& s, const Extras& extras, Plan& plan) {
  const int32_t transFirst = s.transB, transSecond = s.transA;
  succeed(l.MatmulDescCreate(&plan.desc, kComputeFloat32, kRealFloat32), "a description");
  succeed(l.MatmulDescSetAttribute(plan.desc, kDescTransA, &transFirst, 4), "a description's transpose");
  succeed(l.MatmulDescSetAttribute(plan.desc, kDescTransB, &transSecond, 4), "a description's transpose");
  succeed(l.MatmulDescSetAttribute(plan.desc, kDescEpilogue, &s.epilogue, 4), "a description's epilogue");
  if (s.epilogue & kEpilogueAux) {
    const int64_t ld = s.ldc;
    succeed(l.MatmulDescSetAttribute(plan.desc, kDescAuxLd, &ld, 8), "a description's stride");
  }
  setExtras(l, plan, extras);
  plan.a = layout(l, s.operands, s.transB ? s.K : s.N, s.transB ? s.N : s.K, s.ldb, s.batch, s.strideB);
  plan.b = layout(l, s.operands, s.transA ? s.M : s.K, s.transA ? s.K : s.M, s.lda, s.batch, s.strideA);
  plan.c = layout(l, s.result, s.N, s.M, s.ldc, s.batch, s.strideC);
}

void askForAlgorithms(Library& l, const Shape& s, Plan& plan) {
  Handle preference;
  succeed(l.MatmulPreferenceCreate(&preference), "a preference");
  const uint64_t workspace = kWorkspace;
  int status = l.MatmulPreferenceSetAttribute(preference, kPreferWorkspace, &workspace, 8);
  const int aligned[] = {s.alignB, s.alignA, s.alignC, s.alignD};
  for (int i = 0; i < 4 && status == 0; i++) {
    const uint32_t bytes = static_cast<uint32_t>(aligned[i]);
    status = l.MatmulPreferenceSetAttribute(preference, kPreferAlignmentA + i, &bytes, 4);
  }
  Heuristic offered[kMostAlgorithms];
  int count = 0;
  if (status == 0)
    status = l.MatmulAlgoGetHeuristic(l.handle, plan.desc, plan.a, plan.b, plan.c, plan.c, preference, kMostAlgorithms,
                                      offered, &count);
  l.MatmulPreferenceDestroy(preference);
  for (int i = 0; status == 0 && i < count; i++)
    if (offered[i].state == 0) plan.algorithms.push_back(offered[i].algorithm);
}

Plan makePlan(Library& l, const Shape& s, const Extras& extras) {
  Plan plan;
  try {
    describe(l, s, extras, plan);
    askForAlgorithms(l, s, plan);
  } catch (const std::runtime_error&) {
    plan.algorithms.clear(); // a description that the library does not take is one more way in which it has no product
  }
  return plan;
}

void destroy(Library& l, Plan& plan) {
  if (plan.desc) l.MatmulDescDestroy(plan.desc);
  for (Handle each : {plan.a, plan.b, plan.c})
    if (each) l.MatrixLayoutDestroy(each);
}

Plan& planFor(Library& l, const Shape& s, const Extras& extras) {
  static std::map<Shape, Plan> plans;
  const auto known = plans.find(s);
  if (known != plans.end()) return known->second;
  if (plans.size() >= kMostPlans) {
    for (auto& [shape, plan] : plans) destroy(l, plan);
    plans.clear();
    timesForgotten++;
  }
  return plans.emplace(s, makePlan(l, s, extras)).first->second;
}

} // namespace

void openBlas(const char* path) {
  const char* names[] = {path, "libcublasLt.so.13", "libcublasLt.so.12"};
  std::string reasons;
  for (const char* name : names) {
    if (!name) continue;
    void* opened = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!opened) {
      reasons += std::string(reasons.empty() ? "" : "; ") + dlerror();
      if (path) break;
      continue;
    }
    library.path = name;
    const auto find = [&](const char* symbol, auto& function) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(opened, symbol));
      if (!function) throw std::runtime_error(std::string(name) + " has no " + symbol);
    };
#define F(name, parameters) find("cublasLt" #name, library.name);
    CUBLASLT_FUNCTIONS(F)
#undef F
    find("cublasLtGetVersion", library.GetVersion);
    return;
  }
  throw std::runtime_error("cuBLASLt does not open: " + reasons);
}

bool hasLibrary() {
  if (!switches().library) return false;
  if (!library.GetVersion && !library.absent) {
    try {
      openBlas(nullptr);
    } catch (const std::runtime_error&) {
      library.absent = true;
    }
  }
  return library.GetVersion;
}

std::string blasVersion() {
  if (!library.GetVersion) openBlas(nullptr);
  const size_t v = library.GetVersion(); // 130101 is 13.1.1, 120304 is 12.3.4
  if (v == 0) return "cuBLASLt, emulated";
  return "cuBLASLt " + std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100) + " (" +
         library.path + ")";
}

int64_t timesAlgorithmsForgotten() { return timesForgotten; }

bool libraryProduct(const Product& p) {
  const bool half = p.result == kBfloat16, hasBias = p.bias || p.bias16;
  if (!hasLibrary() || p.K == 0) return false;
  // The epilogue comes after the sum with the residual; its GELU takes tanh with an error of some 2⁻¹¹, which is lost in a
  // result that is rounded to bfloat16, and only there; the bias of a bfloat16 result is bfloat16.
  if (p.act && (p.residual || p.accumulate || !half)) return false;
  if (hasBias && half && p.N > kMostBias && !p.bias16) return false;
  Library& l = ready();
  const void* added = p.residual ? p.residual : p.c;
  Shape s = {p.M, p.N, p.K, p.lda, p.ldb, p.ldc, p.batch, p.strideA, p.strideB, p.strideC, p.transA, p.transB, p.operands,
             p.result, 0, p.residual || p.accumulate, alignment(p.a), alignment(p.b), alignment(added), alignment(p.c), 0, 0};
  if (!s.lda) s.lda = p.transA ? p.M : p.K;
  if (!s.ldb) s.ldb = p.transB ? p.K : p.N;
  if (!s.ldc) s.ldc = p.N;
  if (p.pre && (s.ldc % 8 != 0 || alignment(p.pre) < 16 || p.batch > 1)) return false;
  s.epilogue = (hasBias ? kEpilogueBias : 0) | (p.act ? kEpilogueGelu : 0) | (p.pre ? kEpilogueAux : 0);
  if (s.epilogue == 0) s.epilogue = kEpilogueDefault;
  const void* roundedBias = p.bias16 ? p.bias16 : l.bias;
  const Extras extras = {!hasBias ? nullptr : half ? roundedBias : p.bias, p.pre};
  s.alignBias = alignment(extras.bias);
  s.alignAux = alignment(extras.aux);
  Plan& plan = planFor(l, s, extras);
  if (plan.algorithms.empty()) return false;
  if (extras.bias == l.bias) convert(kFloat32, kBfloat16, p.N, p.bias, l.bias);
  setExtras(l, plan, extras);
  const float one = 1, beta = s.beta ? 1 : 0;
  while (!plan.algorithms.empty()) {
    const int status = l.Matmul(l.handle, plan.desc, &one, p.b, plan.a, p.a, plan.b, &beta, added, plan.c, p.c, plan.c,
                                &plan.algorithms.front(), l.workspace, kWorkspace, stream());
    if (status == 0) return true;
    if (!isRefusal(status)) succeed(status, "a matrix product");
    plan.algorithms.erase(plan.algorithms.begin());
  }
  return false;
}

} // namespace ilf::cuda
