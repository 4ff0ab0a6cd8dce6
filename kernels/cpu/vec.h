// Vectors of ILF_VL floats (GCC and Clang vector extensions): one source for every instruction set.
//
// Files that include this are compiled once per instruction set, each into its own namespace ILF_NS. They must not use
// C++ library templates: the linker keeps one copy of those for all, possibly one with instructions this CPU lacks.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX512BW__) && ILF_VL == 16
#define ILF_MASKS // loads and stores of a part of a vector, one instruction each
#include <immintrin.h>
#endif

#define ILF_INLINE static inline __attribute__((always_inline))

namespace ilf {
namespace ILF_NS {

typedef int64_t Index;

constexpr int VL = ILF_VL;
typedef float Vec __attribute__((vector_size(4 * VL)));
typedef int32_t IntVec __attribute__((vector_size(4 * VL)));
typedef float LooseVec __attribute__((vector_size(4 * VL), aligned(4), may_alias));

// bfloat16, the upper half of a float: storage only, arithmetic is float32. Rounds to nearest, ties to even.
typedef uint16_t bf16;
typedef uint16_t HalfVec __attribute__((vector_size(2 * VL)));
typedef uint16_t LooseHalfVec __attribute__((vector_size(2 * VL), aligned(2), may_alias));
typedef uint32_t WordVec __attribute__((vector_size(4 * VL)));

ILF_INLINE Vec load(const float* p) { return *reinterpret_cast<const LooseVec*>(p); }
ILF_INLINE void store(float* p, Vec v) { *reinterpret_cast<LooseVec*>(p) = v; }
ILF_INLINE Vec splat(float x) { return x - Vec{}; }

ILF_INLINE WordVec loadHalves(const bf16* p) {
#if defined(ILF_MASKS)
  return (WordVec)_mm512_maskz_cvtepu16_epi32(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#endif
  return __builtin_convertvector(static_cast<HalfVec>(*reinterpret_cast<const LooseHalfVec*>(p)), WordVec);
}
// v rounded, in the upper halves; the lower ones are not cleared.
ILF_INLINE WordVec roundToHalves(Vec v) {
  const WordVec bits = (WordVec)v, rounded = bits + (((bits >> 16) & 1) + 0x7fff);
  return v == v ? rounded : bits | 0x400000; // a NaN stays one
}
ILF_INLINE HalfVec toHalves(Vec v) {
#if defined(__AVX512BF16__)
  return (HalfVec)_mm512_cvtneps_pbh((__m512)v);
#else
  return __builtin_convertvector(roundToHalves(v) >> 16, HalfVec);
#endif
}
ILF_INLINE Vec load(const bf16* p) { return (Vec)(loadHalves(p) << 16); }
ILF_INLINE void store(bf16* p, Vec v) { *reinterpret_cast<LooseHalfVec*>(p) = toHalves(v); }
ILF_INLINE float toFloat(float x) { return x; }
ILF_INLINE float toFloat(bf16 x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

// The last n < VL elements of a row; absent lanes are `fill`. Tails use the same vector arithmetic as full vectors, so an
// element's value does not depend on where it stands.
#if defined(ILF_MASKS)
ILF_INLINE __mmask16 laneMask(Index n) { return static_cast<__mmask16>((1u << (n < VL ? n : VL)) - 1); }
ILF_INLINE Vec loadPart(const float* p, Index n, float fill = 0) {
  return (Vec)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), laneMask(n), p);
}
ILF_INLINE void storePart(float* p, Vec v, Index n) { _mm512_mask_storeu_ps(p, laneMask(n), (__m512)v); }
ILF_INLINE WordVec loadHalvesPart(const bf16* p, Index n) {
  return (WordVec)_mm512_maskz_cvtepu16_epi32(0xffff, _mm256_maskz_loadu_epi16(laneMask(n), p));
}
ILF_INLINE Vec loadPart(const bf16* p, Index n, float fill = 0) {
  const __m512 v = (__m512)(loadHalvesPart(p, n) << 16);
  return (Vec)_mm512_mask_mov_ps(_mm512_set1_ps(fill), laneMask(n), v);
}
ILF_INLINE void storePart(bf16* p, Vec v, Index n) {
  _mm256_mask_storeu_epi16(p, laneMask(n), (__m256i)toHalves(v));
}
#else
template <class T>
ILF_INLINE Vec loadPart(const T* p, Index n, float fill = 0) {
  float t[VL];
  for (int i = 0; i < VL; i++) t[i] = i < n ? toFloat(p[i]) : fill;
  return load(t);
}
template <class T>
ILF_INLINE void storePart(T* p, Vec v, Index n) {
  T t[VL];
  store(t, v);
  for (Index i = 0; i < n; i++) p[i] = t[i];
}
ILF_INLINE WordVec loadHalvesPart(const bf16* p, Index n) {
  bf16 t[VL];
  for (int i = 0; i < VL; i++) t[i] = i < n ? p[i] : 0;
  return loadHalves(t);
}
#endif
template <class T>
ILF_INLINE Vec loadUpTo(const T* p, Index n, float fill = 0) {
  return n >= VL ? load(p) : loadPart(p, n, fill);
}
template <class T>
ILF_INLINE void storeUpTo(T* p, Vec v, Index n) {
  if (n >= VL) store(p, v);
  else storePart(p, v, n);
}

// The same for memory that may be read and written up to the next whole vector: no branches, no detour through the stack.
ILF_INLINE IntVec lanesBelow(Index n) {
  IntVec lane;
  for (int i = 0; i < VL; i++) lane[i] = i;
  return lane < static_cast<int32_t>(n < VL ? n : VL);
}
ILF_INLINE Vec loadPadded(const float* p, Index n, float fill) { return lanesBelow(n) ? load(p) : splat(fill); }

ILF_INLINE Vec vmax(Vec a, Vec b) { return a > b ? a : b; }

ILF_INLINE float sumLanes(Vec v) {
  float t[VL];
  store(t, v);
  for (int half = VL / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) t[i] += t[i + half];
  return t[0];
}
ILF_INLINE float maxLanes(Vec v) {
  float t[VL];
  store(t, v);
  for (int half = VL / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) t[i] = t[i] > t[i + half] ? t[i] : t[i + half];
  return t[0];
}

// e^x for x ≤ 88.37, relative error below 1.2e-7; 0 below −87.33 (no denormals), NaN for NaN. Cody–Waite reduction by ln 2,
// then the degree-6 polynomial of Cephes' expf (Moshier).
ILF_INLINE Vec vexpBounded(Vec x) {
  const Vec magic = splat(12582912.f); // 1.5·2^23: adding it rounds to an integer
  const Vec shifted = x * 1.44269504f + magic;
  const Vec n = shifted - magic;
  Vec r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.f;
  const IntVec bits = ((IntVec)shifted + (127 - 0x4B400000)) << 23;
  return x < -87.33f ? Vec{} : p * (Vec)bits;
}

// e^x, at most e^88.37.
ILF_INLINE Vec vexp(Vec x) { return vexpBounded(x > 88.37626f ? splat(88.37626f) : x); }

// 1 / (1 + e^−x)
ILF_INLINE Vec vsigmoid(Vec x) { return 1.f / (1.f + vexp(-x)); }

ILF_INLINE Index roundUp(Index n, Index to) { return (n + to - 1) / to * to; }
ILF_INLINE Index least(Index a, Index b) { return a < b ? a : b; }
ILF_INLINE Index most(Index a, Index b) { return a > b ? a : b; }

} // namespace ILF_NS
} // namespace ilf
