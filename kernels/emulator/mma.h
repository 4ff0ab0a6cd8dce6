// The functions of ../mma.h on the CPU, see there and threads.h. A lane computes only what the documents say that it holds,
// of what the lanes that hold the operands left for it.
#pragma once
#include <stdlib.h>

#include <deque>
#include <vector>

namespace ilf::cuda {

// Bits of the two bfloat16 of a register: 0 the lower half, 1 the upper.
inline float halfOf(unsigned pair, int which) {
  return __uint_as_float(which ? pair & 0xffff0000u : pair << 16);
}

inline void mma16816(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  const int g = emulated::lane() / 4, t = emulated::lane() % 4;
  float rows[2][16], columns[2][16]; // rows g and g+8 of a, columns 2t and 2t+1 of b
  emulated::exchange(a, sizeof a);
  for (int from = 0; from < 4; from++) {
    unsigned theirs[4];
    memcpy(theirs, emulated::peek(4 * g + from), sizeof theirs);
    for (int i = 0; i < 8; i++) { // a_i as numbered in the documents
      const int row = i < 2 || (i >= 4 && i < 6) ? 0 : 1, column = 2 * from + (i & 1) + (i >= 4 ? 8 : 0);
      rows[row][column] = halfOf(theirs[i / 2], i & 1);
    }
  }
  emulated::exchange(b, sizeof b);
  for (int n = 0; n < 2; n++)
    for (int from = 0; from < 4; from++) {
      unsigned theirs[2];
      memcpy(theirs, emulated::peek(4 * (2 * t + n) + from), sizeof theirs);
      for (int i = 0; i < 4; i++) columns[n][2 * from + (i & 1) + (i >= 2 ? 8 : 0)] = halfOf(theirs[i / 2], i & 1);
    }
  for (int i = 0; i < 4; i++) {
    float sum = 0;
    for (int k = 0; k < 16; k++) sum += rows[i / 2][k] * columns[i & 1][k];
    c[i] += sum;
  }
}

inline void ldmatrix4(unsigned& r0, unsigned& r1, unsigned& r2, unsigned& r3, const bf16* row) {
  unsigned* const results[] = {&r0, &r1, &r2, &r3};
  const int g = emulated::lane() / 4, t = emulated::lane() % 4;
  emulated::exchange(&row, sizeof row);
  for (int i = 0; i < 4; i++) {
    const bf16* address;
    memcpy(&address, emulated::peek(8 * i + g), sizeof address);
    memcpy(results[i], address + 2 * t, 4);
  }
}
inline void ldmatrix4Transposed(unsigned& r0, unsigned& r1, unsigned& r2, unsigned& r3, const bf16* row) {
  unsigned* const results[] = {&r0, &r1, &r2, &r3};
  const int g = emulated::lane() / 4, t = emulated::lane() % 4;
  emulated::exchange(&row, sizeof row);
  for (int i = 0; i < 4; i++) {
    bf16 pair[2];
    for (int k = 0; k < 2; k++) {
      const bf16* address;
      memcpy(&address, emulated::peek(8 * i + 2 * t + k), sizeof address);
      pair[k] = address[g];
    }
    memcpy(results[i], pair, 4);
  }
}

// A GPU makes a copy at any time between its request and the end of the wait for it: blocks of even number make theirs as
// late as that, so that a missing wait shows, the others at once, so that overwriting what others still read shows.
struct AsyncCopies {
  struct Copy {
    void* to;
    const void* from;
    bool valid;
  };
  std::deque<std::vector<Copy>> groups;
  std::vector<Copy> open;
  bool unseen = false; // by wgmma: copies have been made since the last fence.proxy.async

  static void make(const Copy& copy) {
    if (copy.valid) memcpy(copy.to, copy.from, 16);
    else memset(copy.to, 0, 16);
  }
  // Of the current thread.
  static AsyncCopies& mine() {
    static AsyncCopies all[emulated::kMostBlocks][1024];
    return all[emulated::blockNumber][threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)];
  }
};

inline void copyAsync16(void* to, const void* from, bool valid) {
  const AsyncCopies::Copy copy = {to, from, valid};
  if (reinterpret_cast<uintptr_t>(to) % 16 != 0 || reinterpret_cast<uintptr_t>(from) % 16 != 0) abort();
  if (blockIdx.x % 2 == 0) AsyncCopies::mine().open.push_back(copy);
  else AsyncCopies::make(copy);
}
inline void commitCopies() {
  AsyncCopies& mine = AsyncCopies::mine();
  mine.groups.push_back(std::move(mine.open));
  mine.open.clear();
}
template <int kPending>
void waitForCopies() {
  AsyncCopies& mine = AsyncCopies::mine();
  for (; mine.groups.size() > kPending; mine.groups.pop_front()) {
    for (const AsyncCopies::Copy& copy : mine.groups.front()) AsyncCopies::make(copy);
    mine.unseen = true;
  }
}

inline float exp2Fast(float x) { return exp2f(x); }

inline unsigned packBf16(float low, float high) {
  return static_cast<unsigned>(__float2bfloat16_rn(high).bits) << 16 | __float2bfloat16_rn(low).bits;
}

} // namespace ilf::cuda
