// Rotary position embedding of a token's heads.
#pragma once
#include "../table.h"
#include "vec.h"

namespace ilf {
namespace ILF_NS {

// Cosine and sine [pairs], times scale, of what is turned at a position; of the negative angles where `inverse`.
void angles(const Rotation& r, int32_t position, bool inverse, float* cosine, float* sine);

// Heads of Dh numbers at x, of which the first `turned` turn, to y, which may be x. One compiled copy, so that the decoder's
// rows have the same bits as the training pass's.
template <class T>
void turnRow(const Rotation& r, Index heads, Index turned, Index Dh, const float* cosine, const float* sine, const T* x, T* y);

} // namespace ILF_NS
} // namespace ilf
