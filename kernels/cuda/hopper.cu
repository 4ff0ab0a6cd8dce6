#include "hopper.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stdexcept>
#include <string>
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
    memcpy(&each, &bits, sizeof bits);
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

// The largest difference of two arrays; infinite where one of them has NaN.
template <class T>
float difference(const T* a, const T* b, Index n) {
  const std::vector<T> x = downloaded(a, n), y = downloaded(b, n);
  float largest = 0;
  for (Index i = 0; i < n; i++) {
    const float each = fabsf(valueOf(x[i]) - valueOf(y[i]));
    if (!(each <= largest)) largest = each == each ? each : INFINITY;
  }
  return largest;
}

// The largest difference between the two kernels' results for heads of Dh numbers, two that share keys; more than one tile of
// queries and keys, the last not full.
float largestDifference(int Dh) {
  const int T = 200, H = 2, KV = 1, ld = (H + 2 * KV) * Dh;
  const Heads heads = {1, T, H, KV, Dh, ld, ld, ld, 1.f / sqrtf(static_cast<float>(Dh))};
  const std::vector<bf16> qkv = numbers(static_cast<Index>(T) * ld, 1);
  const Temporary<bf16> x = uploaded(qkv.data(), static_cast<Index>(qkv.size()));
  const Projected<const bf16> of = {x, x + H * Dh, x + (H + KV) * Dh};
  const Index n = static_cast<Index>(T) * H * Dh;
  const Temporary<bf16> y = blank<bf16>(n), expected = blank<bf16>(n);
  const Temporary<float> lse = blank<float>(T * H), expectedLse = blank<float>(T * H);
  forwardByTiles(heads, of, expected, expectedLse);
  forwardByWgmma(heads, of, y, lse);
  return fmaxf(difference<bf16>(y, expected, n), difference<float>(lse, expectedLse, T * H));
}

struct State {
  bool used;
  std::string line;
};

// Results are averages of numbers from -1 to 1. Both kernels round the probabilities and the results to 8 bits, at other places:
// half of 1/128 is what a result of 1 can differ by, and what is wrong differs by much more.
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
    const float most = fmaxf(largestDifference(64), largestDifference(128));
    char line[160];
    snprintf(line, sizeof line, "%s: results differ from the other kernels' by up to %.2g", most <= kTolerance ? "used" : "not used",
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
