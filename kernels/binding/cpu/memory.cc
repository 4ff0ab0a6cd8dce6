#include "../memory.h"

namespace ilf {

const char* const kFloatArrays = "Float32Array";
const char* const kHalfArrays = "Uint16Array";

bool storedArray(napi_env env, napi_value value, StoredArray* array) {
  napi_typedarray_type type;
  size_t length;
  // Fails for anything but a typed array, so no separate look at what the value is.
  if (napi_get_typedarray_info(env, value, &type, &length, &array->data, nullptr, nullptr) != napi_ok ||
      (type != napi_float32_array && type != napi_uint16_array))
    return false;
  array->length = static_cast<int64_t>(length);
  array->type = type == napi_float32_array ? kFloat32 : kBfloat16;
  return true;
}

void finishCall(bool) {}

} // namespace ilf
