#include "hopper.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "attention_heads.h"

namespace ilf::cuda {
namespace {

// Whether the kernels were compiled for sm_90a: on a Hopper GPU others run, too, but are empty there.
__global__ void askWhetherItMultiplies(int32_t* there) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || defined(ILF_EMULATED)
  *there = 1;
#else
  *there = 0;
#endif
}

float valueOf(float x) { return x; }
float valueOf(bf16 x) {
  uint16_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t whole = static_cast<uint32_t>(bits) << 16;
  float number;
  memcpy(&number, &whole, sizeof number);
  return number;
}

// Numbers from -1 to 1, the same each time.
std::vector<bf16> numbers(Index n, uint32_t seed) {
  std::vector<bf16> x(n);
  for (bf16& each : x) {
    seed = seed * 1664525u + 1013904223u;
    const float number = static_cast<float>(seed >> 8) / (1 << 23) - 1.f;
    uint32_t whole;
    memcpy(&whole, &number, sizeof whole);
    const uint16_t bits = static_cast<uint16_t>(whole >> 16);
    memcpy(static_cast<void*>(&each), &bits, sizeof bits);
  }
  return x;
}

template <class T>
std::vector<T> downloaded(const T* x, Index n) {
  std::vector<T> host(n);
  download(host.data(), x, n * sizeof(T));
  return host;
}
template <class T>
Temporary<T> blank(Index n) { // NaN
  Temporary<T> x(n);
  fill(x, 0xff, n * sizeof(T));
  return x;
}

// How far two arrays are from each other, beside the largest number of the first; infinite where one of them has NaN.
template <class T>
float difference(const T* a, const T* b, Index n) {
  const std::vector<T> x = downloaded(a, n), y = downloaded(b, n);
  float largest = 0, apart = 0;
  for (Index i = 0; i < n; i++) {
    const float each = fabsf(valueOf(x[i]) - valueOf(y[i]));
    if (!(each < INFINITY)) return INFINITY;
    apart = fmaxf(apart, each);
    largest = fmaxf(largest, fabsf(valueOf(x[i])));
  }
  return apart / largest;
}

// Both kernels' results, forward and backward, for heads of Dh numbers, two that share keys; of several tiles of queries and
// keys, the last not full: by how much they differ at most.
float difference(int Dh) {
  const int T = 300, H = 2, KV = 1, ld = (H + 2 * KV) * Dh;
  const Heads heads = {1, T, H, KV, Dh, ld, ld, ld, 1.f / sqrtf(static_cast<float>(Dh))};
  const Index n = static_cast<Index>(T) * H * Dh, all = static_cast<Index>(T) * ld;
  const auto projected = [&](auto* x) { return Projected<std::remove_pointer_t<decltype(x)>>{x, x + H * Dh, x + (H + KV) * Dh}; };
  const std::vector<bf16> qkv = numbers(all, 1), up = numbers(n, 2);
  const Temporary<bf16> x = uploaded(qkv.data(), all), dy = uploaded(up.data(), n);
  const auto of = projected(static_cast<const bf16*>(x));
  const Temporary<bf16> y = blank<bf16>(n), expected = blank<bf16>(n), dx = blank<bf16>(all), expectedDx = blank<bf16>(all);
  const Temporary<float> lse = blank<float>(T * H), expectedLse = blank<float>(T * H);
  forwardByTiles(heads, of, expected, expectedLse);
  forwardByWgmma(heads, of, y, lse);
  backwardByTiles(heads, of, expected, expectedLse, dy, projected(static_cast<bf16*>(expectedDx)));
  backwardByWgmma(heads, of, expected, expectedLse, dy, projected(static_cast<bf16*>(dx)));
  return fmaxf(fmaxf(difference<bf16>(expected, y, n), difference<float>(expectedLse, lse, T * H)),
               difference<bf16>(expectedDx, dx, all));
}

struct State {
  bool used;
  std::string line;
};

// Both round probabilities, their gradients and results to 8 bits, at other places: the largest result can come out by 1/128
// apart, and what is wrong is apart by much more.
constexpr float kTolerance = 1.f / 64;

State checked() {
  try {
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, 0), "the GPU's properties");
    if (properties.major != 9 || properties.minor != 0) return {false, "not used: the GPU is not a Hopper GPU"};
    const Temporary<int32_t> there(1);
    int32_t compiled = 0;
    launch(askWhetherItMultiplies, 1, 1, 0, there);
    download(&compiled, there, sizeof compiled);
    if (!compiled) return {false, "not used: the kernels were not built for sm_90a"};
    const float most = fmaxf(difference(64), difference(128));
    char line[160];
    snprintf(line, sizeof line, "%s: its results are within %.2g of the other kernels'", most <= kTolerance ? "used" : "not used",
             most);
    return {most <= kTolerance, line};
  } catch (const std::exception& error) {
    cudaGetLastError(); // it does not stay, where it can be cleared
    return {false, std::string("not used: ") + error.what()};
  }
}

const State& state() {
  static const State off = {false, "not used: ILF_CUDA_HOPPER is 0"};
  const char* wanted = getenv("ILF_CUDA_HOPPER");
  if (wanted && !strcmp(wanted, "0")) return off;
#ifdef ILF_EMULATED
  static const State emulated = {false, "not used: emulated, and ILF_CUDA_HOPPER is not 1"};
  if (!wanted || strcmp(wanted, "1")) return emulated;
#endif
  static const State found = checked();
  return found;
}

} // namespace

bool usesHopper() { return state().used; }
const char* hopperState() { return state().line.c_str(); }

} // namespace ilf::cuda
