// Arrays in the engine's memory: typed arrays for the CPU; device arrays for a GPU. Each engine has its own memory.cc.
#pragma once
#include <node_api.h>

#include "../table.h"

namespace ilf {

struct StoredArray {
  void* data;
  int64_t length; // elements
  Type type;
};

inline size_t bytesOf(const StoredArray& a) { return static_cast<size_t>(a.length) * (a.type == kFloat32 ? 4 : 2); }

// Of the host: where it is a Float32Array or a Uint16Array, else false.
bool typedArray(napi_env env, napi_value value, StoredArray* array);

// False for a value that is none. Throws ArgumentError for one that has been freed.
bool storedArray(napi_env env, napi_value value, StoredArray* array);

// What such values are, for messages.
extern const char* const kFloatArrays; // of float32
extern const char* const kHalfArrays;  // of bfloat16

// Called after each function's body, ok where it did not throw.
void finishCall(bool ok);

} // namespace ilf
