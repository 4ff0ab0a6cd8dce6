// The addon's entry. The functions are in the files named in function.h; src/engine/native.ts is their contract.
#include "../function.h"
#include "isa.h"

NAPI_MODULE_INIT() {
  ilf::chooseKernels();
  ilf::defineEngine(env, exports);
  ilf::defineProducts(env, exports);
  ilf::defineLayers(env, exports);
  ilf::defineLosses(env, exports);
  ilf::defineOptimizer(env, exports);
  ilf::defineGeneration(env, exports);
  return exports;
}
