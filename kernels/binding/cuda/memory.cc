// Device arrays: JavaScript objects that own memory of the GPU. A typed array may stand wherever a device array does; it is
// copied to the device before the call, and back after it (tests do so, and what is too rare to keep on the device).
#include "memory.h"

#include <memory>

#include "../../cuda/device.h"
#include "../args.h"

namespace ilf {

const char* const kFloatArrays = "Float32Array";
const char* const kHalfArrays = "Uint16Array";

namespace {

const napi_type_tag kTag = {0x8f2b1c6de01a4b7dull, 0x9d3370f4c5a16e22ull};

struct Staged {
  void *host, *device;
  size_t bytes;
};
std::vector<Staged> staged; // of the call that is running

void stage(StoredArray* array) {
  const size_t bytes = bytesOf(*array);
  if (bytes == 0) return;
  for (const Staged& s : staged)
    if (s.host == array->data && s.bytes == bytes) {
      array->data = s.device;
      return;
    }
  Staged s = {array->data, cuda::allocate(bytes), bytes};
  staged.push_back(s);
  cuda::upload(s.device, s.host, bytes);
  array->data = s.device;
}

} // namespace

StoredArray* deviceArray(napi_env env, napi_value value) {
  bool tagged = false;
  void* array;
  if (napi_check_object_type_tag(env, value, &kTag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, value, &array) != napi_ok)
    return nullptr;
  return static_cast<StoredArray*>(array);
}

bool storedArray(napi_env env, napi_value value, StoredArray* array) {
  if (const StoredArray* device = deviceArray(env, value)) {
    if (!device->data && device->length > 0)
      throw ArgumentError{ArgumentError::kOther, "a device array is used after it was freed"};
    *array = *device;
    return true;
  }
  if (!typedArray(env, value, array)) return false;
  stage(array);
  return true;
}

void finishCall(bool ok) {
  for (const Staged& s : staged) {
    if (ok) cuda::download(s.host, s.device, s.bytes);
    cuda::release(s.device);
  }
  staged.clear();
}

napi_value newDeviceArray(napi_env env, int64_t length, Type type) {
  auto array = std::make_unique<StoredArray>(StoredArray{nullptr, length, type});
  if (length > 0) array->data = cuda::allocate(bytesOf(*array));
  napi_value object, value;
  napi_create_object(env, &object);
  napi_create_double(env, static_cast<double>(length), &value);
  napi_set_named_property(env, object, "length", value);
  napi_get_boolean(env, type == kBfloat16, &value);
  napi_set_named_property(env, object, "half", value);
  napi_type_tag_object(env, object, &kTag);
  napi_wrap(
      env, object, array.release(),
      [](napi_env, void* data, void*) {
        freeDeviceArray(static_cast<StoredArray*>(data));
        delete static_cast<StoredArray*>(data);
      },
      nullptr, nullptr);
  return object;
}

void freeDeviceArray(StoredArray* array) {
  cuda::release(array->data);
  array->data = nullptr;
}

} // namespace ilf
