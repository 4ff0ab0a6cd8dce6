// Defines JavaScript functions from plain ones: timing, and errors across the boundary.
#pragma once
#include <memory>

#include "args.h"

namespace ilf {

extern uint64_t spentNanoseconds; // inside native calls, on this JavaScript thread's side
extern const char* running;       // the function that is being called, by its name in JavaScript; null between calls

struct Function {
  const char* name;
  napi_value (*body)(Args&); // may throw ArgumentError or std::exception; null is undefined
};

// Adds functions to an object; `data` reaches the body as args.data and lives as long as one of the functions.
void define(napi_env env, napi_value object, const Function* list, int count, std::shared_ptr<void> data = nullptr);

// Each file of operations adds its own; defineOperations all that engines share.
void defineOperations(napi_env env, napi_value exports);
void defineEngine(napi_env env, napi_value exports);
void defineProducts(napi_env env, napi_value exports);
void defineLayers(napi_env env, napi_value exports);
void defineLosses(napi_env env, napi_value exports);
void defineOptimizer(napi_env env, napi_value exports);
void defineGeneration(napi_env env, napi_value exports);

} // namespace ilf
