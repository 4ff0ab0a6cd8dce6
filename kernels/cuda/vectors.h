// Several neighbouring numbers at a time: 16 bytes by each instruction, computed with as floats. Arrays of the engine begin
// at multiples of 16 bytes, so rows do where their length is a multiple of Pack<T>::kLength.
#pragma once
#include <string.h>

#include <type_traits>

#include "device.h"

namespace ilf::cuda {

// f(integral_constant<int, N>): how many numbers of T at a time in rows of D.
template <class T, class F>
void withWidth(Index D, F f) {
  constexpr int kWide = Pack<T>::kLength;
  if (D % kWide == 0) f(std::integral_constant<int, kWide>());
  else f(std::integral_constant<int, 1>());
}

#if defined(__CUDACC__) || defined(ILF_EMULATED)

// N numbers as they are in memory. The words are what instructions move: the compiler does not always put numbers of two
// bytes together itself.
template <class T, int N>
struct Few {
  static constexpr int kBytes = N * sizeof(T);
  typedef std::conditional_t<kBytes % 16 == 0, uint4,
                             std::conditional_t<kBytes % 8 == 0, uint2,
                                                std::conditional_t<kBytes % 4 == 0, unsigned, unsigned short>>>
      Word;
  Word words[kBytes / sizeof(Word)] = {};

  __device__ __forceinline__ void read(const T* from) {
    for (int i = 0; i < static_cast<int>(kBytes / sizeof(Word)); i++) words[i] = reinterpret_cast<const Word*>(from)[i];
  }
  __device__ __forceinline__ void write(T* to) const {
    for (int i = 0; i < static_cast<int>(kBytes / sizeof(Word)); i++) reinterpret_cast<Word*>(to)[i] = words[i];
  }
  __device__ __forceinline__ void toFloats(float (&x)[N]) const {
    T numbers[N];
    memcpy(numbers, words, kBytes);
    for (int i = 0; i < N; i++) x[i] = toFloat(numbers[i]);
  }
  __device__ __forceinline__ void fromFloats(const float (&x)[N]) {
    if constexpr (sizeof(T) == 2 && N % 2 == 0) { // rounded in pairs by one instruction
      __nv_bfloat162 pairs[N / 2];
      for (int i = 0; i < N / 2; i++) pairs[i] = __floats2bfloat162_rn(x[2 * i], x[2 * i + 1]);
      memcpy(words, pairs, kBytes);
    } else {
      T numbers[N];
      for (int i = 0; i < N; i++) numbers[i] = fromFloat<T>(x[i]);
      memcpy(words, numbers, kBytes);
    }
  }
};

template <int N, class T>
__device__ __forceinline__ void load(const T* from, float (&x)[N]) {
  Few<T, N> few;
  few.read(from);
  few.toFloats(x);
}

template <int N, class T>
__device__ __forceinline__ void store(T* to, const float (&x)[N]) {
  Few<T, N> few;
  few.fromFloats(x);
  few.write(to);
}

#endif

} // namespace ilf::cuda
