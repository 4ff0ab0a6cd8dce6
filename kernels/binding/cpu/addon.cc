// The addon's entry. The functions are in the files named in function.h; src/engine/native.ts is their contract.
#include "../function.h"
#include "isa.h"

NAPI_MODULE_INIT() {
  ilf::chooseKernels();
  ilf::defineEngine(env, exports);
  ilf::defineOperations(env, exports);
  return exports;
}
