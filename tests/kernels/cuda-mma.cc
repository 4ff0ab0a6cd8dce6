// Holds kernels/cuda/mma.h against the tables of the PTX ISA: which lane has which element of the operands of
// mma.m16n8k16 and of what ldmatrix loads. Says what is wrong, and ends with how many things are.
//
//   g++ -std=c++17 -DILF_EMULATED -Ikernels/emulator -x c++ THIS kernels/cuda/device.cc \
//       kernels/emulator/threads.cc kernels/emulator/runtime.cc      emulated
//   nvcc -std=c++17 -arch=native -x cu THIS kernels/cuda/device.cc             on a GPU
#include <math.h>

#include "../../kernels/cuda/mma.h"
#include "cuda-fragments.h"

namespace {

__global__ void multiplyKernel(const unsigned* a, const unsigned* b, float* c) { // [32,4] [32,2] [32,4]
  unsigned left[4], right[2];
  float sums[4];
  for (int i = 0; i < 4; i++) left[i] = a[threadIdx.x * 4 + i];
  for (int i = 0; i < 2; i++) right[i] = b[threadIdx.x * 2 + i];
  for (int i = 0; i < 4; i++) sums[i] = c[threadIdx.x * 4 + i];
  mma16816(sums, left, right);
  for (int i = 0; i < 4; i++) c[threadIdx.x * 4 + i] = sums[i];
}

// Small integers, whose products and sums are exact.
void testProduct() {
  int a[16][16], b[16][8], c[16][8];
  std::vector<unsigned> left(32 * 4), right(32 * 2);
  std::vector<float> sums(32 * 4);
  for (int i = 0; i < 16; i++)
    for (int k = 0; k < 16; k++) {
      a[i][k] = (7 * i + 11 * k) % 17 - 8;
      const int element = kElementsOfA[i / 8][k];
      left[kLanesOfA[i][k] * 4 + element / 2] |= bitsOf(a[i][k]) << (element % 2 ? 16 : 0);
    }
  for (int k = 0; k < 16; k++)
    for (int j = 0; j < 8; j++) {
      b[k][j] = (5 * k + 3 * j) % 13 - 6;
      right[kLanesOfB[k][j] * 2 + kElementsOfB[k] / 2] |= bitsOf(b[k][j]) << (kElementsOfB[k] % 2 ? 16 : 0);
    }
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 8; j++) sums[kLanesOfC[i][j] * 4 + kElementsOfC[i / 8][j]] = c[i][j] = 100 * i + j;
  Temporary<float> results = onDevice(sums);
  launch(multiplyKernel, 1, 32, 0, onDevice(left), onDevice(right), results);
  sums = onHost<float>(results, 32 * 4);
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 8; j++) {
      for (int k = 0; k < 16; k++) c[i][j] += a[i][k] * b[k][j];
      expect(sums[kLanesOfC[i][j] * 4 + kElementsOfC[i / 8][j]] == c[i][j], "mma16816: element", i, j);
    }
}

// Rows of 8 numbers: row r, address given by lane r, has 8r.. in column 0..
__global__ void loadKernel(const bf16* rows, unsigned* plain, unsigned* transposed) { // [32,8] [32,4] [32,4]
  bf16* shared = sharedMemory<bf16>();
  copyAsync16(shared + threadIdx.x * 8, rows + threadIdx.x * 8, true);
  copyAsync16(shared + 256 + threadIdx.x * 8, rows, false);
  commitCopies();
  waitForCopies<0>();
  __syncthreads();
  const bf16* row = shared + threadIdx.x * 8;
  unsigned* to = plain + threadIdx.x * 4;
  ldmatrix4(to[0], to[1], to[2], to[3], row);
  to = transposed + threadIdx.x * 4;
  ldmatrix4Transposed(to[0], to[1], to[2], to[3], row);
  for (int i = 0; i < 8; i++)
    if (toFloat(shared[256 + threadIdx.x * 8 + i]) != 0.f) to[0] = ~0u; // not filled with zeros
}

void testLoads() {
  std::vector<bf16> rows;
  for (int i = 0; i < 256; i++) rows.push_back(half(static_cast<uint16_t>(i)));
  Temporary<unsigned> plain(128), transposed(128);
  launch(loadKernel, 1, 32, 1024, onDevice(rows), plain, transposed);
  const std::vector<unsigned> p = onHost<unsigned>(plain, 128), t = onHost<unsigned>(transposed, 128);
  const auto halfOf = [](unsigned r, int which) { return static_cast<int>(which ? r >> 16 : r & 0xffff); };
  for (int matrix = 0; matrix < 4; matrix++)
    for (int i = 0; i < 8; i++)
      for (int j = 0; j < 8; j++) {
        const int lane = kLanesOfMatrix[i][j];
        expect(halfOf(p[lane * 4 + matrix], j % 2) == (matrix * 8 + i) * 8 + j, "ldmatrix4: row, column", matrix * 8 + i, j);
        expect(halfOf(t[lane * 4 + matrix], j % 2) == (matrix * 8 + j) * 8 + i, "ldmatrix4Transposed: column, row", i,
               matrix * 8 + j);
      }
}

__global__ void exp2Kernel(float* x) { x[threadIdx.x] = exp2Fast(x[threadIdx.x]); }
__global__ void packKernel(unsigned* x) { *x = packBf16(1.f, -2.f); }

void testRest() {
  Temporary<float> x = onDevice(std::vector<float>{-INFINITY, -3.f, 0.5f});
  launch(exp2Kernel, 1, 3, 0, x);
  const std::vector<float> y = onHost<float>(x, 3);
  expect(y[0] == 0.f && fabsf(y[1] - 0.125f) < 1e-7f && fabsf(y[2] - 1.41421356f) < 1e-6f, "exp2Fast", 0, 0);
  Temporary<unsigned> packed(1);
  launch(packKernel, 1, 1, 0, packed);
  expect(onHost<unsigned>(packed, 1)[0] == 0xc0003f80u, "packBf16", 0, 0);
}

} // namespace

int main() {
  testProduct();
  testLoads();
  testRest();
  return wrong;
}
