#include "isa.h"

#include <stdlib.h>
#include <string.h>

namespace ilf {

const Kernels* kernels = &portableKernels;

int availableKernels(const Kernels** list) {
  int n = 0;
  list[n++] = &portableKernels;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
                  __builtin_cpu_supports("f16c") && __builtin_cpu_supports("lzcnt");
#if defined(ILF_WIDE)
  if (v3) list[n++] = &wideKernels; // 64-byte vectors lowered to AVX2: tests the avx512 sources without such a CPU
#endif
  if (v3) list[n++] = &avx2Kernels;
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (v4) list[n++] = &avx512Kernels;
#if defined(ILF_AVX512BF16) // where the compiler knows it
  if (v4 && __builtin_cpu_supports("avx512bf16")) list[n++] = &avx512bf16Kernels;
#endif
#endif
  return n;
}

void chooseKernels() {
  const Kernels* list[kMostSets];
  const int n = availableKernels(list);
  kernels = list[n - 1];
  const char* wanted = getenv("ILF_ISA");
  for (int i = 0; wanted && i < n; i++)
    if (strcmp(list[i]->name, wanted) == 0) kernels = list[i];
}

} // namespace ilf
