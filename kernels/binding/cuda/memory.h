// Arrays of the GPU as JavaScript sees them.
#pragma once
#include "../memory.h"

namespace ilf {

StoredArray* deviceArray(napi_env env, napi_value value);                    // null for any other value
napi_value newDeviceArray(napi_env env, int64_t length, Type type);          // with arbitrary contents
void freeDeviceArray(StoredArray* array);                                    // its memory; using it is an error then

void defineTensors(napi_env env, napi_value exports); // tensors.cc

} // namespace ilf
