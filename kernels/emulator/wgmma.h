// The functions of ../cuda/wgmma.h on the CPU, see there and threads.h. A thread computes only what the documents say that it
// holds, from what other lanes of its warp left, and from shared memory by the documents' rules for descriptors.
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include <vector>

namespace ilf::cuda {

inline void productsAreWrong(const char* why) {
  fprintf(stderr, "emulated CUDA: wgmma: %s\n", why);
  abort();
}

inline bf16* swizzledMemory() { return static_cast<bf16*>(emulated::sharedMemory()); }
// Here shared memory begins at address 0.
inline unsigned sharedAddress(const void* p) {
  return static_cast<unsigned>(static_cast<const unsigned char*>(p) -
                               static_cast<const unsigned char*>(emulated::sharedMemory()));
}

// Where element (row of M or N, k) of a descriptor's matrix is, in bytes: "Canonical Layouts", in which T is 8 numbers,
//   K-major  ((8,m),(T,2k)):((8T,SBO),(1,T))     MN-major  ((T,8,m),(8,k)):((1,T,LBO),(8T,SBO))
// and then Swizzle<3,4,3>: bits 4 to 6 of the address are turned over where bits 7 to 9 are set.
inline unsigned addressIn(uint64_t descriptor, bool transposed, unsigned row, unsigned k) {
  const auto decoded = [&](int bit) { return static_cast<unsigned>(descriptor >> bit & 0x3fff) << 4; };
  const unsigned start = decoded(0), leading = decoded(16), stride = decoded(32);
  if (descriptor >> 62 != 1) productsAreWrong("not the 128-byte swizzle");
  if (descriptor >> 49 & 7) productsAreWrong("a base offset: tiles begin at multiples of 1,024 bytes");
  const unsigned numbers = transposed ? row % 64 + k % 8 * 64 : row % 8 * 64 + k;
  const unsigned distance = transposed ? row / 64 * leading + k / 8 * stride : row / 8 * stride;
  const unsigned address = start + 2 * numbers + distance;
  return address ^ (address >> 7 & 7) << 4;
}
inline float numberIn(uint64_t descriptor, bool transposed, unsigned row, unsigned k) {
  bf16 x;
  memcpy(&x, static_cast<const unsigned char*>(emulated::sharedMemory()) + addressIn(descriptor, transposed, row, k), sizeof x);
  return toFloat(x);
}

// A GPU computes a product at any time between its request and the end of the wait for it: blocks of even number compute
// theirs as late as that, and until then have NaN for the sums; the others at once.
struct AsyncProducts {
  struct Product {
    float* c; // [columns / 8,4]
    std::vector<float> before; // what it adds to; none: to what the product before it leaves in c
    float a[2][16]; // the thread's rows of the left operand, where it is in registers
    uint64_t left;  // its descriptor, where it is not
    bool registers, transposedA, transposedB;
    uint64_t right;
    int columns;
  };
  std::vector<std::vector<Product>> groups;
  std::vector<Product> open;
  bool began = false;

  static AsyncProducts& mine() {
    static AsyncProducts all[emulated::kMostBlocks][1024];
    return all[emulated::blockNumber][threadIdx.x];
  }

  static void compute(const Product& p) {
    const unsigned warp = threadIdx.x % 128 / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    float left[2][16];
    for (unsigned half = 0; half < 2; half++)
      for (unsigned k = 0; k < 16; k++)
        left[half][k] = p.registers ? p.a[half][k] : numberIn(p.left, p.transposedA, 16 * warp + g + 8 * half, k);
    for (int n = 0; n < p.columns / 8; n++)
      for (unsigned j = 0; j < 2; j++) {
        float sums[2] = {};
        for (unsigned k = 0; k < 16; k++) {
          const float right = numberIn(p.right, p.transposedB, 8 * n + 2 * t + j, k);
          for (int half = 0; half < 2; half++) sums[half] += left[half][k] * right;
        }
        for (int half = 0; half < 2; half++) {
          const int i = 4 * n + 2 * half + static_cast<int>(j);
          p.c[i] = (p.before.empty() ? p.c[i] : p.before[i]) + sums[half];
        }
      }
  }

  bool pending(const float* c) const {
    for (const Product& p : open)
      if (p.c == c) return true;
    for (const auto& group : groups)
      for (const Product& p : group)
        if (p.c == c) return true;
    return false;
  }

  void request(Product p, float* c, int columns, int add) {
    if (!began) productsAreWrong("a product without wgmma.fence before it");
    if (AsyncCopies::mine().unseen) productsAreWrong("a product of what was copied without fence.proxy.async after it");
    const size_t sums = columns / 2;
    p.c = c;
    p.columns = columns;
    if (!add) p.before.assign(sums, 0.f);
    else if (!pending(c)) p.before.assign(c, c + sums);
    if (blockIdx.x % 2 != 0) return compute(p);
    open.push_back(std::move(p));
    for (size_t i = 0; i < sums; i++) c[i] = NAN;
  }
};

template <class... E>
void beginProducts(E&...) {
  __syncwarp();
  AsyncProducts::mine().began = true;
}
inline void commitProducts() {
  AsyncProducts& mine = AsyncProducts::mine();
  mine.groups.push_back(std::move(mine.open));
  mine.open.clear();
}
template <int kPending, class... E>
void waitForProducts(E&...) {
  AsyncProducts& mine = AsyncProducts::mine();
  for (; mine.groups.size() > kPending; mine.groups.erase(mine.groups.begin()))
    for (const AsyncProducts::Product& p : mine.groups.front()) AsyncProducts::compute(p);
  mine.began = false;
  __syncwarp();
}

inline void showToProducts() { AsyncCopies::mine().unseen = false; }

template <bool kTransposedB, int kN>
void productAsync(float (&c)[kN][4], const unsigned (&a)[4], uint64_t b, int add) {
  AsyncProducts::Product p = {};
  const int g = emulated::lane() / 4;
  emulated::exchange(a, sizeof a);
  for (int from = 0; from < 4; from++) {
    unsigned theirs[4];
    memcpy(theirs, emulated::peek(4 * g + from), sizeof theirs);
    for (int i = 0; i < 8; i++) // a_i as numbered in the documents
      p.a[i < 2 || (i >= 4 && i < 6) ? 0 : 1][2 * from + (i & 1) + (i >= 4 ? 8 : 0)] = halfOf(theirs[i / 2], i & 1);
  }
  p.registers = true;
  p.right = b;
  p.transposedB = kTransposedB;
  AsyncProducts::mine().request(std::move(p), &c[0][0], 8 * kN, add);
}
template <bool kTransposedA, bool kTransposedB, int kN>
void productAsync(float (&c)[kN][4], uint64_t a, uint64_t b, int add) {
  AsyncProducts::Product p = {};
  p.left = a;
  p.right = b;
  p.transposedA = kTransposedA;
  p.transposedB = kTransposedB;
  AsyncProducts::mine().request(std::move(p), &c[0][0], 8 * kN, add);
}

} // namespace ilf::cuda
