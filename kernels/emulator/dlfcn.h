// The dynamic linker for emulation: ../cuda/cublaslt.cc opens the library of blas.cc by it.
#pragma once

namespace ilf::emulated {
void* openLibrary(const char* name);
void* symbolOf(void* library, const char* name);
inline const char* openError() { return "ILF_EMULATED_BLAS=absent"; }
} // namespace ilf::emulated

#define RTLD_NOW 0
#define RTLD_LOCAL 0
#define dlopen(name, flags) ::ilf::emulated::openLibrary(name)
#define dlsym ::ilf::emulated::symbolOf
#define dlerror ::ilf::emulated::openError
