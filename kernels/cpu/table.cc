#include "ops.h"

#define ILF_TEXT2(x) #x
#define ILF_TEXT(x) ILF_TEXT2(x)
#define ILF_JOIN2(a, b) a##b
#define ILF_JOIN(a, b) ILF_JOIN2(a, b)

namespace ilf {

extern const Kernels ILF_JOIN(ILF_NS, Kernels);
const Kernels ILF_JOIN(ILF_NS, Kernels) = {
    ILF_TEXT(ILF_NS),
#define OP(name, parameters) ILF_NS::name,
#include "../ops.def"
#undef OP
};

} // namespace ilf
