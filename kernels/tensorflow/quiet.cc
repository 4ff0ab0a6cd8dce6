// quietly(f): calls f() with standard error going nowhere, and returns what it returns.
//
// TensorFlow writes "oneDNN custom operations are on" and the like while its library is loaded, before anything can be told
// to it (since 2.17 TF_CPP_MIN_LOG_LEVEL does not reach these lines), and Node cannot point a file descriptor elsewhere.
#define NAPI_VERSION 8
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

namespace {

napi_value quietly(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value f = nullptr, self = nullptr, result = nullptr;
  napi_get_cb_info(env, info, &argc, &f, &self, nullptr);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const int kept = nowhere < 0 ? -1 : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (kept >= 0) dup2(nowhere, STDERR_FILENO);
  // What f throws stays pending and reaches the caller.
  napi_call_function(env, self, f, 0, nullptr, &result);
  if (kept >= 0) {
    dup2(kept, STDERR_FILENO);
    close(kept);
  }
  if (nowhere >= 0) close(nowhere);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value f;
  if (napi_create_function(env, "quietly", NAPI_AUTO_LENGTH, quietly, nullptr, &f) == napi_ok)
    napi_set_named_property(env, exports, "quietly", f);
  return exports;
}
