#include "function.h"

#include <chrono>
#include <exception>

namespace ilf {

uint64_t spentNanoseconds = 0;
const char* running = nullptr;

namespace {

struct Bound {
  Function function;
  std::shared_ptr<void> data;
};

napi_value call(napi_env env, napi_callback_info info) {
  void* raw;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &raw);
  const Bound& bound = *static_cast<Bound*>(raw);
  const auto start = std::chrono::steady_clock::now();
  napi_value result = nullptr;
  running = bound.function.name;
  try {
    Args args(env, info, bound.function.name);
    args.data = bound.data.get();
    result = bound.function.body(args);
    finishCall(true);
  } catch (const ArgumentError& error) {
    finishCall(false);
    throwInJs(env, error);
  } catch (const std::exception& error) {
    finishCall(false);
    throwInJs(env, {ArgumentError::kOther, std::string(bound.function.name) + ": " + error.what()});
  }
  running = nullptr;
  spentNanoseconds += std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
  return result;
}

} // namespace

void define(napi_env env, napi_value object, const Function* list, int count, std::shared_ptr<void> data) {
  for (int i = 0; i < count; i++) {
    Bound* bound = new Bound{list[i], data};
    napi_value function;
    napi_create_function(env, list[i].name, NAPI_AUTO_LENGTH, call, bound, &function);
    napi_set_named_property(env, object, list[i].name, function);
    napi_add_finalizer(
        env, function, bound, [](napi_env, void* b, void*) { delete static_cast<Bound*>(b); }, nullptr, nullptr);
  }
}

void defineOperations(napi_env env, napi_value exports) {
  defineProducts(env, exports);
  defineLayers(env, exports);
  defineLosses(env, exports);
  defineOptimizer(env, exports);
  defineGeneration(env, exports);
}

} // namespace ilf
