// Hands out pieces of one allocation, each a multiple of 64 bytes.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

struct Pieces {
  float* at;
  float* take(Index count) {
    float* p = at;
    at += roundUp(count, 16);
    return p;
  }
};

} // namespace ILF_NS
} // namespace ilf
