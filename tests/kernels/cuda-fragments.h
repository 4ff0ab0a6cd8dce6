// For the programs that hold tensor cores' instructions against PTX's documents: its tables, and what tests need.
#pragma once
#include <stdio.h>
#include <string.h>

#include <vector>

#include "../../kernels/cuda/device.h"

namespace ilf {
const char* running = nullptr; // no function of JavaScript's (kernels/binding/function.h), which the emulator asks for
}

namespace {

using namespace ilf;
using namespace ilf::cuda;

int wrong = 0;
void expect(bool right, const char* what, int i, int j) {
  if (right) return;
  wrong++;
  printf("%s, (%d, %d)\n", what, i, j);
}

bf16 half(uint16_t bits) {
  bf16 x;
  memcpy(&x, &bits, 2);
  return x;
}
unsigned bitsOf(int x) { // as bfloat16
  const float f = static_cast<float>(x);
  unsigned bits;
  memcpy(&bits, &f, 4);
  return bits >> 16;
}

template <class T>
Temporary<T> onDevice(const std::vector<T>& x) {
  return uploaded(x.data(), static_cast<Index>(x.size()));
}
template <class T>
std::vector<T> onHost(const T* x, size_t n) {
  std::vector<T> y(n);
  download(y.data(), x, n * sizeof(T));
  return y;
}

// The figures "fragment layout for matrix A, B, C of m16n8k16 with .bf16": lanes by row and column, written out.
constexpr int kLanesOfA[16][16] = {
    {0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3},
    {4, 4, 5, 5, 6, 6, 7, 7, 4, 4, 5, 5, 6, 6, 7, 7},
    {8, 8, 9, 9, 10, 10, 11, 11, 8, 8, 9, 9, 10, 10, 11, 11},
    {12, 12, 13, 13, 14, 14, 15, 15, 12, 12, 13, 13, 14, 14, 15, 15},
    {16, 16, 17, 17, 18, 18, 19, 19, 16, 16, 17, 17, 18, 18, 19, 19},
    {20, 20, 21, 21, 22, 22, 23, 23, 20, 20, 21, 21, 22, 22, 23, 23},
    {24, 24, 25, 25, 26, 26, 27, 27, 24, 24, 25, 25, 26, 26, 27, 27},
    {28, 28, 29, 29, 30, 30, 31, 31, 28, 28, 29, 29, 30, 30, 31, 31},
    {0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3},
    {4, 4, 5, 5, 6, 6, 7, 7, 4, 4, 5, 5, 6, 6, 7, 7},
    {8, 8, 9, 9, 10, 10, 11, 11, 8, 8, 9, 9, 10, 10, 11, 11},
    {12, 12, 13, 13, 14, 14, 15, 15, 12, 12, 13, 13, 14, 14, 15, 15},
    {16, 16, 17, 17, 18, 18, 19, 19, 16, 16, 17, 17, 18, 18, 19, 19},
    {20, 20, 21, 21, 22, 22, 23, 23, 20, 20, 21, 21, 22, 22, 23, 23},
    {24, 24, 25, 25, 26, 26, 27, 27, 24, 24, 25, 25, 26, 26, 27, 27},
    {28, 28, 29, 29, 30, 30, 31, 31, 28, 28, 29, 29, 30, 30, 31, 31},
};
// a0..a7 by row (upper and lower eight) and column.
constexpr int kElementsOfA[2][16] = {
    {0, 1, 0, 1, 0, 1, 0, 1, 4, 5, 4, 5, 4, 5, 4, 5},
    {2, 3, 2, 3, 2, 3, 2, 3, 6, 7, 6, 7, 6, 7, 6, 7},
};
constexpr int kLanesOfB[16][8] = {
    {0, 4, 8, 12, 16, 20, 24, 28},  {0, 4, 8, 12, 16, 20, 24, 28},  {1, 5, 9, 13, 17, 21, 25, 29},
    {1, 5, 9, 13, 17, 21, 25, 29},  {2, 6, 10, 14, 18, 22, 26, 30}, {2, 6, 10, 14, 18, 22, 26, 30},
    {3, 7, 11, 15, 19, 23, 27, 31}, {3, 7, 11, 15, 19, 23, 27, 31}, {0, 4, 8, 12, 16, 20, 24, 28},
    {0, 4, 8, 12, 16, 20, 24, 28},  {1, 5, 9, 13, 17, 21, 25, 29},  {1, 5, 9, 13, 17, 21, 25, 29},
    {2, 6, 10, 14, 18, 22, 26, 30}, {2, 6, 10, 14, 18, 22, 26, 30}, {3, 7, 11, 15, 19, 23, 27, 31},
    {3, 7, 11, 15, 19, 23, 27, 31},
};
// b0..b3 by row.
constexpr int kElementsOfB[16] = {0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3};
constexpr int kLanesOfC[16][8] = {
    {0, 0, 1, 1, 2, 2, 3, 3},         {4, 4, 5, 5, 6, 6, 7, 7},         {8, 8, 9, 9, 10, 10, 11, 11},
    {12, 12, 13, 13, 14, 14, 15, 15}, {16, 16, 17, 17, 18, 18, 19, 19}, {20, 20, 21, 21, 22, 22, 23, 23},
    {24, 24, 25, 25, 26, 26, 27, 27}, {28, 28, 29, 29, 30, 30, 31, 31}, {0, 0, 1, 1, 2, 2, 3, 3},
    {4, 4, 5, 5, 6, 6, 7, 7},         {8, 8, 9, 9, 10, 10, 11, 11},     {12, 12, 13, 13, 14, 14, 15, 15},
    {16, 16, 17, 17, 18, 18, 19, 19}, {20, 20, 21, 21, 22, 22, 23, 23}, {24, 24, 25, 25, 26, 26, 27, 27},
    {28, 28, 29, 29, 30, 30, 31, 31},
};
// c0..c3 by row (upper and lower eight) and column.
constexpr int kElementsOfC[2][8] = {{0, 1, 0, 1, 0, 1, 0, 1}, {2, 3, 2, 3, 2, 3, 2, 3}};
// The figure "ldmatrix fragment layout for one 8x8 matrix with 16-bit elements"; r's lower half is the even column.
constexpr int kLanesOfMatrix[8][8] = {
    {0, 0, 1, 1, 2, 2, 3, 3},         {4, 4, 5, 5, 6, 6, 7, 7},         {8, 8, 9, 9, 10, 10, 11, 11},
    {12, 12, 13, 13, 14, 14, 15, 15}, {16, 16, 17, 17, 18, 18, 19, 19}, {20, 20, 21, 21, 22, 22, 23, 23},
    {24, 24, 25, 25, 26, 26, 27, 27}, {28, 28, 29, 29, 30, 30, 31, 31},
};

} // namespace
