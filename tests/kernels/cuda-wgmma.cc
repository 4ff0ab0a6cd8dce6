// Holds kernels/cuda/wgmma.h, and the tiles of attention_wgmma.h, against the PTX ISA's "Asynchronous Warpgroup Level Matrix
// Multiply-Accumulate Instructions": where elements lie in shared memory, and which lane has which. Says what is wrong, and
// ends with how many things are.
//
//   g++ -std=c++17 -DILF_EMULATED -Ikernels/emulator -x c++ THIS kernels/cuda/device.cc \
//       kernels/emulator/threads.cc kernels/emulator/runtime.cc      emulated
//   nvcc -std=c++17 -gencode=arch=compute_90a,code=sm_90a -x cu THIS kernels/cuda/device.cc             on a Hopper GPU
#include "../../kernels/cuda/attention_wgmma.h"
#include "cuda-fragments.h"

namespace {

// --- Layouts as CuTe writes them, shape:stride, in numbers; T is 8 for bfloat16. "Canonical Layouts", 128B swizzling:
//   K-major  ((8,m),(T,2k)):((8T,SBO),(1,T))     MN-major  ((T,8,m),(8,k)):((1,T,LBO),(8T,SBO))
struct Mode {
  int shape, stride;
};
int offsetOf(int coordinate, std::vector<Mode> modes) {
  int offset = 0;
  for (const Mode& mode : modes) {
    offset += coordinate % mode.shape * mode.stride;
    coordinate /= mode.shape;
  }
  return offset;
}
constexpr int kT = 8, kAny = 1 << 20;
// Swizzle<3,4,3>, of bytes: three bits from bit 4 on are combined with the three that are three places above them.
int swizzled(int bytes) { return bytes ^ ((bytes & 0x380) >> 3); }
// Where (mn, k) of a matrix lies, in bytes; leading and stride, in bytes.
int placeOf(bool transposed, int mn, int k, int leading, int stride) {
  const int lbo = leading / 2, sbo = stride / 2;
  const int numbers = transposed ? offsetOf(mn, {{kT, 1}, {8, kT}, {kAny, lbo}}) + offsetOf(k, {{8, 8 * kT}, {kAny, sbo}})
                                 : offsetOf(mn, {{8, 8 * kT}, {kAny, sbo}}) + offsetOf(k, {{kT, 1}, {kAny, kT}});
  return swizzled(2 * numbers);
}

void testDescriptor() {
  // Bits 13-0 the address, 29-16 the leading dimension's offset, 45-32 the stride dimension's, each / 16; 63-62: 1.
  expect(matrixDescriptor(0x12400, 0x4000, 0x800) == 0x4000008004001240ull, "matrixDescriptor", 0, 0);
  expect(matrixDescriptor(0x40000, 16, 1024) == 0x4000004000010000ull, "matrixDescriptor of a long address", 0, 0);
}

struct Operand {
  bool transposed;
  int at, leading, stride; // bytes; at: a multiple of 1,024
  int perStep;             // bytes from one step of 16 to the next
};

// c [64,8·kN] = a [64,64] · b, of four steps, whose image in shared memory is given; or the same with a in registers.
template <bool kTransposedA, bool kTransposedB, int kN, bool kRegisters>
__global__ void productKernel(const uint4* image, int pieces, Operand a, Operand b, const unsigned* left, float* c) {
  bf16* shared = swizzledMemory();
  for (int i = threadIdx.x; i < pieces; i += kGroup) reinterpret_cast<uint4*>(shared)[i] = image[i];
  showToProducts();
  __syncthreads();
  float sums[kN][4] = {};
  unsigned own[4][4];
  for (int i = 0; i < 16; i++) own[i / 4][i % 4] = left[16 * threadIdx.x + i];
  beginProducts(sums, own);
  for (int step = 0; step < 4; step++) {
    const unsigned base = sharedAddress(shared);
    const uint64_t right = matrixDescriptor(base + b.at + step * b.perStep, b.leading, b.stride);
    if constexpr (kRegisters) productAsync<kTransposedB>(sums, own[step], right, step > 0);
    else productAsync<kTransposedA, kTransposedB>(sums, matrixDescriptor(base + a.at + step * a.perStep, a.leading, a.stride),
                                                  right, step > 0);
  }
  commitProducts();
  waitForProducts<0>(sums, own);
  for (int i = 0; i < 4 * kN; i++) c[4 * kN * threadIdx.x + i] = sums[i / 4][i % 4];
}

int elementOfA(int m, int k) { return (7 * m + 11 * k) % 17 - 8; }
int elementOfB(int k, int n) { return (5 * k + 3 * n) % 13 - 6; }

// The figures "WGMMA .m64nNk16 register fragment layout" for A and D: warp w has rows [16w, 16w + 16), as mma.m16n8k16 has
// its; columns beyond 8 follow in the next elements.
template <bool kTransposedA, bool kTransposedB, int kN, bool kRegisters>
void testProduct(const char* what) {
  constexpr int kColumns = 8 * kN, kBytes = 96 * 1024;
  // Distances that differ from each other and from what tiles have.
  const Operand a = {kTransposedA, 1024, 3072, kTransposedA ? 2048 : 3072, kTransposedA ? 4096 : 32};
  const Operand b = {kTransposedB, 40 * 1024, kTransposedB ? 17408 : 16, 2048, kTransposedB ? 4096 : 32};
  std::vector<unsigned char> image(kBytes, 0xff);
  const auto put = [&](const Operand& to, int mn, int k, int value) {
    const uint16_t bits = static_cast<uint16_t>(bitsOf(value));
    memcpy(&image[to.at + placeOf(to.transposed, mn, k, to.leading, to.stride)], &bits, 2);
  };
  std::vector<unsigned> left(kGroup * 16);
  for (int m = 0; m < 64; m++)
    for (int k = 0; k < 64; k++) {
      put(a, m, k, elementOfA(m, k));
      const int lane = m / 16 * 32 + kLanesOfA[m % 16][k % 16], element = kElementsOfA[m % 16 / 8][k % 16];
      left[16 * lane + k / 16 * 4 + element / 2] |= bitsOf(elementOfA(m, k)) << (element % 2 ? 16 : 0);
    }
  for (int n = 0; n < kColumns; n++)
    for (int k = 0; k < 64; k++) put(b, n, k, elementOfB(k, n));
  Temporary<float> c(kGroup * 4 * kN);
  for (int blocks = 1; blocks <= 2; blocks++) { // emulated: late, and at once
    launch(productKernel<kTransposedA, kTransposedB, kN, kRegisters>, blocks, kGroup, kBytes,
           reinterpret_cast<const uint4*>(static_cast<unsigned char*>(onDevice(image))), kBytes / 16, a, b, onDevice(left), c);
    const std::vector<float> sums = onHost<float>(c, kGroup * 4 * kN);
    for (int m = 0; m < 64; m++)
      for (int n = 0; n < kColumns; n++) {
        int expected = 0;
        for (int k = 0; k < 64; k++) expected += elementOfA(m, k) * elementOfB(k, n);
        const int lane = m / 16 * 32 + kLanesOfC[m % 16][n % 8];
        expect(sums[4 * kN * lane + n / 8 * 4 + kElementsOfC[m % 16 / 8][n % 8]] == expected, what, m, n);
      }
  }
}

// Rows [kFrom, kFrom + 64) of x [rows,D], times x, both ways round: as columns of a tile that are summed over, as rows.
constexpr int kTileRows = 128, kFrom = 64;
template <int D>
__global__ void tileKernel(const bf16* x, int rows, int Dh, float* scores, float* sums) { // [64,kTileRows], [64,D]
  bf16* tile = swizzledMemory();
  loadPanels<D, kTileRows, kGroup>(tile, x, Dh, 0, rows, Dh);
  commitCopies();
  waitForCopies<0>();
  showToProducts();
  __syncthreads();
  float s[kTileRows / 8][4], o[D / 8][4];
  unsigned p[kTileRows / 16][4];
  beginProducts(s);
  for (int k = 0; k < D / 16; k++)
    productAsync<false, false>(s, columnsOf<kTileRows>(tile, kFrom, k), columnsOf<kTileRows>(tile, 0, k), k > 0);
  commitProducts();
  waitForProducts<0>(s);
  roundToLeft(p, s);
  beginProducts(o, p);
  for (int k = 0; k < kTileRows / 16; k++) productAsync<true>(o, p[k], rowsOf<kTileRows>(tile, 16 * k), k > 0);
  commitProducts();
  waitForProducts<0>(o, p);
  const int row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
  for (int i = 0; i < kTileRows / 2; i++)
    scores[(row + i % 4 / 2 * 8) * kTileRows + i / 4 * 8 + column + i % 2] = s[i / 4][i % 4];
  for (int i = 0; i < D / 2; i++) sums[(row + i % 4 / 2 * 8) * D + i / 4 * 8 + column + i % 2] = o[i / 4][i % 4];
}

template <int D>
void testTile(int rows, int Dh) {
  const auto element = [&](int row, int d) { return row < rows && d < Dh ? (5 * row + 3 * d + row * d) % 3 - 1 : 0; };
  std::vector<bf16> x;
  for (int row = 0; row < rows; row++)
    for (int d = 0; d < Dh; d++) x.push_back(half(static_cast<uint16_t>(bitsOf(element(row, d)))));
  Temporary<float> scores(64 * kTileRows), sums(64 * D);
  launch(tileKernel<D>, 1, kGroup, kTileRows * D * sizeof(bf16), onDevice(x), rows, Dh, scores, sums);
  const std::vector<float> s = onHost<float>(scores, 64 * kTileRows), o = onHost<float>(sums, 64 * D);
  for (int i = 0; i < 64; i++) {
    int total[D] = {};
    for (int j = 0; j < kTileRows; j++) {
      int dot = 0;
      for (int d = 0; d < D; d++) dot += element(kFrom + i, d) * element(j, d);
      expect(s[i * kTileRows + j] == dot, "columnsOf: row, column", i, j);
      for (int d = 0; d < D; d++) total[d] += dot * element(j, d);
    }
    for (int d = 0; d < D; d++) expect(o[i * D + d] == total[d], "rowsOf: row, column", i, d);
  }
}

} // namespace

int main() {
  testDescriptor();
  testProduct<false, false, 8, false>("a K-major, b K-major, 64 columns");
  testProduct<false, true, 8, false>("a K-major, b N-major, 64 columns");
  testProduct<true, false, 16, false>("a M-major, b K-major, 128 columns");
  testProduct<true, true, 16, false>("a M-major, b N-major, 128 columns");
  testProduct<false, false, 16, true>("a in registers, b K-major, 128 columns");
  testProduct<false, true, 8, true>("a in registers, b N-major, 64 columns");
  testTile<64>(128, 64);
  testTile<128>(128, 128);
  testTile<128>(101, 80);
  return wrong;
}
