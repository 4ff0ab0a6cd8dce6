// cuBLASLt for emulation: what ../cuda/cublaslt.cc takes of it, column-major as it is, by plain loops on the CPU, with the
// numbers of its documentation written out a second time. Like the library it refuses: bfloat16 whose rows are no multiples of
// 16 bytes, epilogues on such results. ILF_EMULATED_BLAS makes it refuse more, as a version or a GPU might:
//   absent    it does not open
//   nothing   it offers no algorithm for any product
//   unfused   it offers none for a product with an epilogue
//   picky     it refuses all algorithms that it offers but the last
//   refusing  it refuses all algorithms that it offers
//   wrong     it computes, but not what it should
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <map>
#include <string>
#include <vector>

#include "../cuda/device.h"
#include "dlfcn.h"
#include "queue.h"

namespace ilf::emulated {
namespace {

const char* const variable = getenv("ILF_EMULATED_BLAS");
const std::string mode = variable ? variable : "";

enum Status { kSuccess = 0, kInvalidValue = 7, kExecutionFailed = 13, kNotSupported = 15 };
enum { kBfloat16 = 14 }; // a type; the other is 0, float32
enum { kBias = 4, kGelu = 32, kAux = 128, kNone = 1 };

struct Description {
  int32_t transA = 0, transB = 0, epilogue = kNone;
  const void* bias = nullptr;
  void* aux = nullptr;
  int64_t auxLd = 0;
};
struct Layout {
  int type;
  int64_t rows, columns, ld;
  int32_t batch = 1;
  int64_t stride = 0;
};
struct Preference {
  uint64_t workspace = 0;
  uint32_t alignment[4] = {256, 256, 256, 256}; // of a, b, c and d
};
// Number `index` of `count`, for addresses of such alignments.
struct Algorithm {
  uint64_t index, count, alignment[4], unused[2];
};
struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

int create(void** handle) {
  *handle = const_cast<std::string*>(&mode);
  return kSuccess;
}

int createDescription(Description** made, int compute, int scale) {
  if (compute != 68 || scale != 0) return kNotSupported; // float32
  *made = new Description;
  return kSuccess;
}
template <class T>
int setTo(T& to, const void* value, size_t bytes) {
  if (bytes != sizeof(T)) return kInvalidValue;
  memcpy(&to, value, bytes);
  return kSuccess;
}
int setDescription(Description* d, int attribute, const void* value, size_t bytes) {
  switch (attribute) {
    case 3: return setTo(d->transA, value, bytes);
    case 4: return setTo(d->transB, value, bytes);
    case 7: return setTo(d->epilogue, value, bytes);
    case 8: return setTo(d->bias, value, bytes);
    case 11: return setTo(d->aux, value, bytes);
    case 12: return setTo(d->auxLd, value, bytes);
    default: return kInvalidValue;
  }
}

int createLayout(Layout** made, int type, uint64_t rows, uint64_t columns, int64_t ld) {
  if (rows == 0 || columns == 0 || ld < static_cast<int64_t>(rows)) return kInvalidValue;
  *made = new Layout{type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), ld};
  return kSuccess;
}
int setLayout(Layout* l, int attribute, const void* value, size_t bytes) {
  if (attribute == 5) return setTo(l->batch, value, bytes);
  return attribute == 6 ? setTo(l->stride, value, bytes) : kInvalidValue;
}

int createPreference(Preference** made) {
  *made = new Preference;
  return kSuccess;
}
int setPreference(Preference* p, int attribute, const void* value, size_t bytes) {
  if (attribute == 1) return setTo(p->workspace, value, bytes);
  return attribute >= 5 && attribute <= 8 ? setTo(p->alignment[attribute - 5], value, bytes) : kInvalidValue;
}

template <class T>
int destroy(T* made) {
  delete made;
  return kSuccess;
}

bool inWholePacks(const Layout& l) { return l.type != kBfloat16 || (l.ld % 8 == 0 && l.stride % 8 == 0); }

int offer(void*, const Description* d, const Layout* a, const Layout* b, const Layout* c, const Layout*, const Preference* p,
          int most, Heuristic* offered, int* count) {
  *count = 0;
  const bool fused = d->epilogue != kNone, half = c->type == kBfloat16;
  bool has = mode != "nothing" && !(fused && mode == "unfused");
  has = has && inWholePacks(*a) && inWholePacks(*b) && inWholePacks(*c) && !(fused && c->rows % 8 != 0);
  for (uint32_t alignment : p->alignment) has = has && (a->type != kBfloat16 || alignment >= (half ? 16 : 4));
  if ((d->epilogue & kBias) && !d->bias) has = false;
  if ((d->epilogue & kAux) && (!d->aux || d->auxLd % 8 != 0 || c->batch > 1)) has = false;
  if (!has) return kNotSupported;
  *count = most < 3 ? most : 3;
  for (int i = 0; i < *count; i++) {
    offered[i] = {};
    offered[i].algorithm.index = i;
    offered[i].algorithm.count = *count;
    for (int j = 0; j < 4; j++) offered[i].algorithm.alignment[j] = p->alignment[j];
  }
  return kSuccess;
}

float read(const void* p, int type, int64_t i) {
  return type == kBfloat16 ? __bfloat162float(static_cast<const __nv_bfloat16*>(p)[i]) : static_cast<const float*>(p)[i];
}
void write(void* p, int type, int64_t i, float x) {
  if (type == kBfloat16) static_cast<__nv_bfloat16*>(p)[i] = __float2bfloat16_rn(x);
  else static_cast<float*>(p)[i] = x;
}

float gelu(float x) { return 0.5f * x * (1.f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x))); }

// d = epilogue(op(a) op(b) + beta c).
struct Work {
  Description of;
  Layout la, lb, lc;
  const void *a, *b, *c;
  void* d;
  float beta;
  void operator()() const {
    const int64_t inner = of.transA ? la.rows : la.columns;
    std::vector<double> column(inner);
    for (int64_t batch = 0; batch < lc.batch; batch++)
      for (int64_t j = 0; j < lc.columns; j++) {
        for (int64_t k = 0; k < inner; k++)
          column[k] = read(b, lb.type, batch * lb.stride + (of.transB ? j + k * lb.ld : k + j * lb.ld));
        for (int64_t i = 0; i < lc.rows; i++) {
          double sum = mode == "wrong" ? 1 : 0;
          for (int64_t k = 0; k < inner; k++)
            sum += read(a, la.type, batch * la.stride + (of.transA ? k + i * la.ld : i + k * la.ld)) * column[k];
          const int64_t at = batch * lc.stride + i + j * lc.ld;
          float x = static_cast<float>(sum);
          if (beta != 0) x += beta * read(c, lc.type, at);
          if (of.epilogue & kBias) x += read(of.bias, lc.type, i);
          if (of.epilogue & kAux) write(of.aux, lc.type, i + j * of.auxLd, x);
          if (of.epilogue & kGelu) x = gelu(x);
          write(d, lc.type, at, x);
        }
      }
  }
};

int multiply(void*, const Description* of, const float* alpha, const void* a, const Layout* la, const void* b, const Layout* lb,
             const float* beta, const void* c, const Layout* lc, void* d, const Layout* ld, const Algorithm* algorithm,
             void* workspace, size_t, cudaStream_t) {
  if (mode == "refusing" || (mode == "picky" && algorithm->index + 1 < algorithm->count)) {
    if (isCapturing()) {
      fprintf(stderr, "emulated cuBLASLt: an algorithm is refused while a graph is captured, which may end the capture\n");
      abort();
    }
    return algorithm->index % 2 ? kNotSupported : kInvalidValue;
  }
  const int64_t m = of->transA ? la->columns : la->rows, n = of->transB ? lb->rows : lb->columns;
  const int64_t k = of->transA ? la->rows : la->columns, k2 = of->transB ? lb->columns : lb->rows;
  const void* const addresses[] = {a, b, c, d};
  for (int i = 0; i < 4; i++)
    if (reinterpret_cast<uintptr_t>(addresses[i]) % algorithm->alignment[i] != 0) {
      fprintf(stderr, "emulated cuBLASLt: an address is not aligned as it was said to be\n");
      abort();
    }
  if (*alpha != 1 || m != lc->rows || n != lc->columns || k != k2 || lc != ld || !workspace) return kInvalidValue;
  if (launching() != cudaSuccess) return kExecutionFailed;
  enqueue(Work{*of, *la, *lb, *lc, a, b, c, d, *beta});
  return kSuccess;
}

size_t version() { return 0; }

const std::map<std::string, void*> functions = {
#define FUNCTION(name, function) {"cublasLt" name, reinterpret_cast<void*>(function)}
    FUNCTION("Create", create),
    FUNCTION("MatmulDescCreate", createDescription),
    FUNCTION("MatmulDescSetAttribute", setDescription),
    FUNCTION("MatmulDescDestroy", destroy<Description>),
    FUNCTION("MatrixLayoutCreate", createLayout),
    FUNCTION("MatrixLayoutSetAttribute", setLayout),
    FUNCTION("MatrixLayoutDestroy", destroy<Layout>),
    FUNCTION("MatmulPreferenceCreate", createPreference),
    FUNCTION("MatmulPreferenceSetAttribute", setPreference),
    FUNCTION("MatmulPreferenceDestroy", destroy<Preference>),
    FUNCTION("MatmulAlgoGetHeuristic", offer),
    FUNCTION("Matmul", multiply),
    FUNCTION("GetVersion", version),
#undef FUNCTION
};

} // namespace

void* openLibrary(const char*) { return mode == "absent" ? nullptr : const_cast<std::string*>(&mode); }
void* symbolOf(void*, const char* name) {
  const auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

} // namespace ilf::emulated
