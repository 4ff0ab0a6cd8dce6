#include "args.h"

namespace ilf {
namespace {

const char* arrayName(napi_typedarray_type type) {
  return type == napi_float32_array  ? "Float32Array"
         : type == napi_uint16_array ? "Uint16Array"
         : type == napi_int32_array  ? "Int32Array"
                                     : "Float64Array";
}

} // namespace

bool typedArray(napi_env env, napi_value value, StoredArray* array) {
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

int64_t times(int64_t a, int64_t b) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product) || product > (int64_t(1) << 53))
    throw ArgumentError{ArgumentError::kRange, "native: the dimensions' product is too large"};
  return product;
}

void throwInJs(napi_env env, const ArgumentError& error) {
  const auto raise = error.kind == ArgumentError::kRange  ? napi_throw_range_error
                     : error.kind == ArgumentError::kType ? napi_throw_type_error
                                                          : napi_throw_error;
  raise(env, nullptr, error.message.c_str());
}

Args::Args(napi_env e, napi_callback_info info, const char* function) : env(e), function_(function) {
  napi_get_cb_info(env, info, &count_, values_, nullptr, &data); // fills absent ones with undefined
}

void Args::outOfRange(const char* name, const std::string& what) const {
  throw ArgumentError{ArgumentError::kRange, std::string(function_) + ": " + name + " " + what};
}

bool Args::isNull(int i) const {
  napi_valuetype type;
  return napi_typeof(env, values_[i], &type) != napi_ok || type == napi_null || type == napi_undefined;
}

double Args::number(int i, const char* name) const {
  double value;
  if (napi_get_value_double(env, values_[i], &value) != napi_ok)
    throw ArgumentError{ArgumentError::kType, std::string(function_) + ": " + name + " must be a number"};
  return value;
}

int64_t Args::dim(int i, const char* name, int64_t least) const {
  const double value = number(i, name);
  if (!(value >= static_cast<double>(least) && value < 2147483648.) || value != static_cast<double>(static_cast<int64_t>(value)))
    outOfRange(name, "must be an integer of at least " + std::to_string(least) + ", got " + std::to_string(value));
  return static_cast<int64_t>(value);
}

bool Args::flag(int i) const {
  bool value = false;
  napi_get_value_bool(env, values_[i], &value);
  return value;
}

std::string Args::text(int i, const char* name) const {
  char buffer[4096];
  size_t length;
  if (napi_get_value_string_utf8(env, values_[i], buffer, sizeof buffer, &length) != napi_ok)
    throw ArgumentError{ArgumentError::kType, std::string(function_) + ": " + name + " must be a string"};
  return std::string(buffer, length);
}

void Args::requireLength(const char* name, int64_t length, int64_t actual) const {
  if (actual != length)
    outOfRange(name, "must have " + std::to_string(length) + " elements, has " + std::to_string(actual));
}

void* Args::array(int i, const char* name, napi_typedarray_type type, int64_t* length) const {
  napi_typedarray_type actual;
  size_t count;
  void* pointer;
  // Fails for anything but a typed array, so no separate look at what the value is.
  if (napi_get_typedarray_info(env, values_[i], &actual, &count, &pointer, nullptr, nullptr) != napi_ok || actual != type)
    throw ArgumentError{ArgumentError::kType, std::string(function_) + ": " + name + " must be a " + arrayName(type)};
  *length = static_cast<int64_t>(count);
  return pointer;
}

void* Args::arrayOf(int i, const char* name, napi_typedarray_type type, int64_t length) const {
  int64_t actual;
  void* pointer = array(i, name, type, &actual);
  requireLength(name, length, actual);
  return pointer;
}

void* Args::stored(int i, const char* name, Type type, int64_t* length) const {
  StoredArray array;
  if (!storedArray(env, values_[i], &array) || array.type != type)
    throw ArgumentError{ArgumentError::kType, std::string(function_) + ": " + name + " must be a " +
                                                  (type == kFloat32 ? kFloatArrays : kHalfArrays)};
  *length = array.length;
  return array.data;
}

void* Args::storedOf(int i, const char* name, int64_t length, Type type) const {
  int64_t actual;
  void* pointer = stored(i, name, type, &actual);
  requireLength(name, length, actual);
  return pointer;
}

float* Args::floats(int i, const char* name, int64_t length) const {
  return static_cast<float*>(storedOf(i, name, length, kFloat32));
}
float* Args::hostFloats(int i, const char* name, int64_t length) const {
  return static_cast<float*>(arrayOf(i, name, napi_float32_array, length));
}
float* Args::floatsOrNull(int i, const char* name, int64_t length) const {
  return isNull(i) ? nullptr : floats(i, name, length);
}
Type Args::type(int i, const char* name) const {
  StoredArray array;
  if (!storedArray(env, values_[i], &array))
    throw ArgumentError{ArgumentError::kType,
                        std::string(function_) + ": " + name + " must be a " + kFloatArrays + " or a " + kHalfArrays + " of bfloat16"};
  return array.type;
}
void* Args::activations(int i, const char* name, int64_t length, Type type) const {
  return storedOf(i, name, length, type);
}
void* Args::activationsOrNull(int i, const char* name, int64_t length, Type type) const {
  return isNull(i) ? nullptr : activations(i, name, length, type);
}
int32_t* Args::ints(int i, const char* name, int64_t length) const {
  return static_cast<int32_t*>(arrayOf(i, name, napi_int32_array, length));
}
int32_t* Args::intsOrNull(int i, const char* name, int64_t length) const {
  return isNull(i) ? nullptr : ints(i, name, length);
}
double* Args::doubles(int i, const char* name, int64_t length) const {
  return static_cast<double*>(arrayOf(i, name, napi_float64_array, length));
}
float* Args::floatsOfAnyLength(int i, const char* name, int64_t* length) const {
  return static_cast<float*>(stored(i, name, kFloat32, length));
}
void* Args::activationsOfAnyLength(int i, const char* name, Type type, int64_t* length) const {
  return stored(i, name, type, length);
}
double* Args::doublesOfAnyLength(int i, const char* name, int64_t* length) const {
  return static_cast<double*>(array(i, name, napi_float64_array, length));
}
int32_t* Args::intsOfAnyLength(int i, const char* name, int64_t* length) const {
  return static_cast<int32_t*>(array(i, name, napi_int32_array, length));
}

void Args::floatList(int i, const char* name, std::vector<float*>& data, std::vector<int64_t>& lengths,
                     bool mayBeNull) const {
  uint32_t count;
  if (napi_get_array_length(env, values_[i], &count) != napi_ok)
    throw ArgumentError{ArgumentError::kType, std::string(function_) + ": " + name + " must be an array of " + kFloatArrays};
  data.resize(count);
  lengths.resize(count);
  for (uint32_t k = 0; k < count; k++) {
    napi_value item;
    StoredArray array = {nullptr, -1, kFloat32};
    napi_valuetype type;
    const bool there = napi_get_element(env, values_[i], k, &item) == napi_ok;
    const bool isNull = mayBeNull && there && napi_typeof(env, item, &type) == napi_ok && type == napi_null;
    if (!isNull && (!there || !storedArray(env, item, &array) || array.type != kFloat32))
      throw ArgumentError{ArgumentError::kType,
                          std::string(function_) + ": " + name + "[" + std::to_string(k) + "] must be a " + kFloatArrays};
    data[k] = static_cast<float*>(array.data);
    lengths[k] = array.length;
  }
}

void Args::checkIds(const char* name, const int32_t* values, int64_t n, int64_t least, int64_t end) const {
  for (int64_t k = 0; k < n; k++)
    if (values[k] < least || values[k] >= end)
      outOfRange(name, "[" + std::to_string(k) + "] = " + std::to_string(values[k]) + " is not in [" +
                           std::to_string(least) + ", " + std::to_string(end) + ")");
}

} // namespace ilf
