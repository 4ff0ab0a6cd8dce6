// Reads and checks the arguments of one call from JavaScript.
#pragma once
#include <node_api.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "memory.h"

namespace ilf {

// Becomes a JavaScript RangeError (or TypeError, or Error) at the binding's edge.
struct ArgumentError {
  enum Kind { kRange, kType, kOther } kind;
  std::string message;
};

class Args {
 public:
  static constexpr size_t kMost = 20;

  Args(napi_env env, napi_callback_info info, const char* function);

  int64_t dim(int i, const char* name, int64_t least = 1) const; // an integer in [least, 2^31)
  double number(int i, const char* name) const;
  bool flag(int i) const;
  std::string text(int i, const char* name) const;
  // In the engine's memory, of exactly `length` elements.
  float* floats(int i, const char* name, int64_t length) const;
  float* floatsOrNull(int i, const char* name, int64_t length) const;
  // Activations: float32 or bfloat16. The first one names the call's type, the others must agree.
  Type type(int i, const char* name) const;
  void* activations(int i, const char* name, int64_t length, Type type) const;
  void* activationsOrNull(int i, const char* name, int64_t length, Type type) const;
  // In the engine's memory, of any length; it is returned.
  float* floatsOfAnyLength(int i, const char* name, int64_t* length) const;
  void* activationsOfAnyLength(int i, const char* name, Type type, int64_t* length) const;
  // An Array of arrays of float32 in the engine's memory. mayBeNull: of some; the others have length −1.
  void floatList(int i, const char* name, std::vector<float*>& data, std::vector<int64_t>& lengths,
                 bool mayBeNull = false) const;
  // Typed arrays, in the host's memory.
  float* hostFloats(int i, const char* name, int64_t length) const;
  int32_t* ints(int i, const char* name, int64_t length) const;
  int32_t* intsOrNull(int i, const char* name, int64_t length) const;
  double* doubles(int i, const char* name, int64_t length) const;
  double* doublesOfAnyLength(int i, const char* name, int64_t* length) const;
  int32_t* intsOfAnyLength(int i, const char* name, int64_t* length) const;
  // All of values[0, n) in [least, end).
  void checkIds(const char* name, const int32_t* values, int64_t n, int64_t least, int64_t end) const;

  [[noreturn]] void outOfRange(const char* name, const std::string& what) const;
  bool isNull(int i) const;
  napi_value value(int i) const { return values_[i]; }

  const napi_env env;
  void* data = nullptr; // the function's own pointer

 private:
  void* array(int i, const char* name, napi_typedarray_type type, int64_t* length) const;
  void requireLength(const char* name, int64_t length, int64_t actual) const;
  void* stored(int i, const char* name, Type type, int64_t* length) const;
  void* storedOf(int i, const char* name, int64_t length, Type type) const;
  void* arrayOf(int i, const char* name, napi_typedarray_type type, int64_t length) const;
  const char* function_;
  size_t count_ = kMost;
  napi_value values_[kMost];
};

// Product of dimensions below 2^31 each; throws where it passes 2^53.
int64_t times(int64_t a, int64_t b);

void throwInJs(napi_env env, const ArgumentError& error);

} // namespace ilf
