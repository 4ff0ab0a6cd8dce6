#include "hopper.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
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

// How far two arrays of rows are from each other: of each tile of 64 rows beside its own largest number, the most of them. Infinite
// where one of them has NaN, or nothing but zeros. x, y: the first row's, of `width` numbers that lie ld apart.
template <class T>
float difference(const std::vector<T>& x, const std::vector<T>& y, Index rows, Index ld, Index first, Index width) {
  float most = 0;
  for (Index tile = 0; tile < rows; tile += 64) {
    float largest = 0, apart = 0;
    for (Index r = tile; r < rows && r < tile + 64; r++)
      for (Index i = r * ld + first; i < r * ld + first + width; i++) {
        const float each = fabsf(valueOf(x[i]) - valueOf(y[i]));
        if (!(each < INFINITY)) return INFINITY;
        apart = fmaxf(apart, each);
        largest = fmaxf(largest, fabsf(valueOf(x[i])));
      }
    if (largest == 0) return INFINITY;
    most = fmaxf(most, apart / largest);
  }
  return most;
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
  const auto wanted = downloaded<bf16>(expectedDx, all), got = downloaded<bf16>(dx, all);
  const auto ofPart = [&](Index first, Index heads_) { return difference(wanted, got, T, ld, first * Dh, heads_ * Dh); };
  const float forward = difference(downloaded<bf16>(expected, n), downloaded<bf16>(y, n), T, H * Dh, 0, H * Dh);
  const float sums = difference(downloaded<float>(expectedLse, T * H), downloaded<float>(lse, T * H), H, T, 0, T);
  return std::max({forward, sums, ofPart(0, H), ofPart(H, KV), ofPart(H + KV, KV)});
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
    check(cudaStreamSynchronize(stream()), "the check of Hopper's own products"); // where it stays, nothing else runs any more
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
