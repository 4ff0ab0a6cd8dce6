// The entry of the GPU's addon. The functions are in the files named in function.h; src/engine/native.ts is their contract.
#include "../function.h"
#include "memory.h"

NAPI_MODULE_INIT() {
  ilf::defineEngine(env, exports);
  ilf::defineTensors(env, exports);
  ilf::defineOperations(env, exports);
  return exports;
}
