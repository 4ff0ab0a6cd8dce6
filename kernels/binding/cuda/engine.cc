// The GPU, its memory, time.
#include "../../cuda/blas.h"
#include "../../cuda/device.h"
#include "../../cuda/hopper.h"
#include "../../cuda/switches.h"
#include <stdexcept>

#include "../function.h"
#include "memory.h"

namespace ilf {
namespace {

StoredArray& arrayArgument(Args& args, int i, const char* name) {
  StoredArray* array = deviceArray(args.env, args.value(i));
  if (!array) throw ArgumentError{ArgumentError::kType, std::string(name) + " must be a device array"};
  return *array;
}

StoredArray hostArgument(Args& args, int i, const StoredArray& like) {
  StoredArray host;
  if (!typedArray(args.env, args.value(i), &host) || host.type != like.type)
    throw ArgumentError{ArgumentError::kType, std::string("the host's array must be a ") +
                                                  (like.type == kFloat32 ? kFloatArrays : kHalfArrays)};
  if (host.length != like.length) args.outOfRange("array", "and the host's must have the same length");
  return host;
}

void set(napi_env env, napi_value object, const char* name, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

int attribute(cudaDeviceAttr which) {
  int value = 0;
  cuda::check(cudaDeviceGetAttribute(&value, which, 0), "the GPU's attributes");
  return value;
}

void set(napi_env env, napi_value object, const char* name, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, object, name, value);
}

// 12040 is 12.4.
std::string versionText(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

void setFlag(napi_env env, napi_value object, const char* name, bool value) {
  napi_value boolean;
  napi_get_boolean(env, value, &boolean);
  napi_set_named_property(env, object, name, boolean);
}

napi_value device(Args& args) {
  int devices = 0, driver = 0, runtime = 0;
  cuda::check(cudaDriverGetVersion(&driver), "the driver's version");
  cuda::check(cudaRuntimeGetVersion(&runtime), "the runtime's version");
  // Looked at before the devices, which are said to need a newer driver where there is none at all.
  const std::string needed = "a driver for CUDA " + versionText(runtime / 1000 * 1000) + " or newer";
  if (driver == 0) throw std::runtime_error("there is no NVIDIA driver; where there is a GPU of theirs, install " + needed);
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaErrorNoDevice || (status == cudaSuccess && devices == 0))
    throw std::runtime_error("the NVIDIA driver sees no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES");
  if (status == cudaErrorInsufficientDriver)
    throw std::runtime_error("the NVIDIA driver is too old, for CUDA " + versionText(driver) + "; install " + needed);
  cuda::check(status, "looking for a GPU");
  cudaDeviceProp properties;
  cuda::check(cudaGetDeviceProperties(&properties, 0), "the GPU's properties");
  napi_value object;
  napi_create_object(args.env, &object);
  set(args.env, object, "name", properties.name);
  set(args.env, object, "major", properties.major);
  set(args.env, object, "minor", properties.minor);
  set(args.env, object, "multiprocessors", properties.multiProcessorCount);
  set(args.env, object, "memory", static_cast<double>(properties.totalGlobalMem));
  set(args.env, object, "driver", driver);
  set(args.env, object, "runtime", runtime);
  // CUDA 13 has these as attributes only.
  set(args.env, object, "clockRate", attribute(cudaDevAttrClockRate));
  set(args.env, object, "memoryClockRate", attribute(cudaDevAttrMemoryClockRate));
  set(args.env, object, "memoryBusWidth", attribute(cudaDevAttrGlobalMemoryBusWidth));
#ifdef ILF_EMULATED
  setFlag(args.env, object, "emulated", true);
#else
  setFlag(args.env, object, "emulated", false);
#endif
  return object;
}

napi_value switches(Args& args) {
  const cuda::Switches& s = cuda::switches();
  napi_value object;
  napi_create_object(args.env, &object);
  setFlag(args.env, object, "overlap", s.overlap);
  setFlag(args.env, object, "graphs", s.graphs);
  setFlag(args.env, object, "library", s.library);
  return object;
}

napi_value products(Args& args) {
  napi_value object;
  napi_create_object(args.env, &object);
  set(args.env, object, "library", static_cast<double>(cuda::products.library));
  set(args.env, object, "finished", static_cast<double>(cuda::products.finished));
  set(args.env, object, "plain", static_cast<double>(cuda::products.plain));
  return object;
}

napi_value poolAttribute(Args& args, cudaMemPoolAttr which) {
  cudaMemPool_t pool;
  uint64_t used = 0;
  cuda::stream();
  cuda::check(cudaDeviceGetDefaultMemPool(&pool, 0), "the device's memory pool");
  cuda::check(cudaMemPoolGetAttribute(pool, which, &used), "the memory pool's use");
  napi_value value;
  napi_create_double(args.env, static_cast<double>(used), &value);
  return value;
}

const Function functions[] = {
    {"device", device},
    {"switches", switches},
    {"products", products},
    {"hopperState",
     [](Args& args) {
       napi_value line;
       napi_create_string_utf8(args.env, cuda::hopperState(), NAPI_AUTO_LENGTH, &line);
       return line;
     }},
    {"bytes", [](Args& args) { return poolAttribute(args, cudaMemPoolAttrUsedMemCurrent); }},
    {"peakBytes", [](Args& args) { return poolAttribute(args, cudaMemPoolAttrUsedMemHigh); }},
    {"openBlas",
     [](Args& args) {
       const std::string path = args.isNull(0) ? "" : args.text(0, "path");
       cuda::openBlas(path.empty() ? nullptr : path.c_str());
       napi_value version;
       napi_create_string_utf8(args.env, cuda::blasVersion().c_str(), NAPI_AUTO_LENGTH, &version);
       return version;
     }},
    {"allocateFloats", [](Args& args) { return newDeviceArray(args.env, args.dim(0, "n", 0), kFloat32); }},
    {"allocateHalves", [](Args& args) { return newDeviceArray(args.env, args.dim(0, "n", 0), kBfloat16); }},
    {"free",
     [](Args& args) -> napi_value {
       freeDeviceArray(&arrayArgument(args, 0, "array"));
       return nullptr;
     }},
    {"clear",
     [](Args& args) -> napi_value {
       const StoredArray& array = arrayArgument(args, 0, "array");
       cuda::fill(array.data, 0, bytesOf(array));
       return nullptr;
     }},
    {"upload",
     [](Args& args) -> napi_value {
       const StoredArray& array = arrayArgument(args, 1, "to");
       cuda::upload(array.data, hostArgument(args, 0, array).data, bytesOf(array));
       return nullptr;
     }},
    {"download",
     [](Args& args) -> napi_value {
       const StoredArray& array = arrayArgument(args, 0, "from");
       cuda::download(hostArgument(args, 1, array).data, array.data, bytesOf(array));
       return nullptr;
     }},
    {"copy",
     [](Args& args) -> napi_value {
       const StoredArray &from = arrayArgument(args, 0, "from"), &to = arrayArgument(args, 1, "to");
       if (from.type != to.type || from.length != to.length) args.outOfRange("to", "must be like from");
       if (from.length > 0)
         cuda::check(cudaMemcpyAsync(to.data, from.data, bytesOf(from), cudaMemcpyDeviceToDevice, cuda::stream()), "copying");
       return nullptr;
     }},
    {"mark",
     [](Args&) -> napi_value {
       cuda::mark();
       return nullptr;
     }},
    {"passed",
     [](Args& args) {
       napi_value value;
       napi_get_boolean(args.env, cuda::passed(), &value);
       return value;
     }},
    {"synchronize",
     [](Args&) -> napi_value {
       cuda::check(cudaStreamSynchronize(cuda::stream()), "waiting for the device");
       return nullptr;
     }},
};

} // namespace

void defineEngine(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
