#include "../memory.h"

namespace ilf {

const char* const kFloatArrays = "Float32Array";
const char* const kHalfArrays = "Uint16Array";

bool storedArray(napi_env env, napi_value value, StoredArray* array) { return typedArray(env, value, array); }

void finishCall(bool) {}

} // namespace ilf
