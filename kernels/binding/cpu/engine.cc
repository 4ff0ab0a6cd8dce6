// Instruction set, threads, time, memory.
#include <string.h>

#include "../../runtime/memory.h"
#include "../../runtime/pool.h"
#include "../function.h"
#include "isa.h"

namespace ilf {
namespace {

napi_value textValue(napi_env env, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

napi_value numberValue(napi_env env, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  return value;
}

const Function functions[] = {
    {"isa", [](Args& args) { return textValue(args.env, kernels->name); }},
    {"setIsa",
     [](Args& args) -> napi_value {
       const std::string name = args.text(0, "name");
       const Kernels* list[kMostSets];
       const int n = availableKernels(list);
       for (int i = 0; i < n; i++)
         if (name == list[i]->name) {
           kernels = list[i];
           return nullptr;
         }
       args.outOfRange("name", "'" + name + "' is not an instruction set of this CPU and build");
     }},
    {"availableIsas",
     [](Args& args) {
       const Kernels* list[kMostSets];
       const int n = availableKernels(list);
       napi_value result;
       napi_create_array(args.env, &result);
       for (int i = 0; i < n; i++) napi_set_element(args.env, result, i, textValue(args.env, list[i]->name));
       return result;
     }},
    {"setThreads",
     [](Args& args) -> napi_value {
       const int64_t n = args.dim(0, "n");
       if (n > 1024) args.outOfRange("n", "is more than 1024 threads");
       setPoolThreads(static_cast<int>(n));
       return nullptr;
     }},
    {"threads", [](Args& args) { return numberValue(args.env, poolThreads()); }},
    {"kernelNanoseconds", [](Args& args) { return numberValue(args.env, static_cast<double>(spentNanoseconds)); }},
    {"resetKernelNanoseconds",
     [](Args&) -> napi_value {
       spentNanoseconds = 0;
       return nullptr;
     }},
    {"bytes", [](Args& args) { return numberValue(args.env, static_cast<double>(heldBytes())); }},
};

} // namespace

void defineEngine(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
