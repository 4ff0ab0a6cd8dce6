// Token and position embeddings; rows taken from a table of activations. Sums of rows are made in float32 and in a fixed
// order, without atomics: the host sorts the tokens by the row that they go to (0.2 ms for 8,192 and GPT-2's vocabulary), and
// a block sums up to kPiece of them; where a row is hit more often (padding, or a position in every sequence), sums of sums
// follow.
#include <algorithm>
#include <vector>

#include "ops.h"
#include "vectors.h"

namespace ilf::cuda {
namespace {

constexpr int kWarps = 8;      // forward: a row for each
constexpr int32_t kPiece = 32; // rows that a block sums

template <class T, int N>
__global__ void addRows(Index M, int D, const int32_t* __restrict__ ids, const int32_t* __restrict__ positions,
                        const float* __restrict__ wte, const float* __restrict__ wpe, T* y) {
  const Index m = static_cast<Index>(blockIdx.x) * kWarps + threadIdx.x / 32;
  if (m >= M) return;
  const float *token = wte + static_cast<Index>(ids[m]) * D;
  const float *place = wpe && positions ? wpe + static_cast<Index>(positions[m]) * D : nullptr;
  for (int j = threadIdx.x % 32 * N; j < D; j += 32 * N) {
    float x[N], p[N] = {};
    load<N>(token + j, x);
    if (place) load<N>(place + j, p);
    for (int i = 0; i < N; i++) x[i] += p[i];
    store<N>(y + m * D + j, x);
  }
}

template <class T, int N>
__global__ void copyRows(Index M, int D, const int32_t* __restrict__ rows, const T* __restrict__ x, T* y) {
  const Index m = static_cast<Index>(blockIdx.x) * kWarps + threadIdx.x / 32;
  if (m >= M) return;
  for (int j = threadIdx.x % 32 * N; j < D; j += 32 * N) {
    Few<T, N> few;
    few.read(x + static_cast<Index>(rows[m]) * D + j);
    few.write(y + m * D + j);
  }
}

// `rows` rows that go to the same one, from order[first] on.
struct Piece {
  int32_t first, rows, to;
  int32_t part; // where its sum is kept as one of several, or −1: it is the only one
};

// order: null where the rows are in order themselves.
template <class T, class U, int N>
__global__ void sumRows(int D, const Piece* __restrict__ pieces, const int32_t* __restrict__ order,
                        const T* __restrict__ x, float* partial, U* into, bool accumulate) {
  const Piece p = pieces[blockIdx.x];
  for (int j = threadIdx.x * N; j < D; j += blockDim.x * N) {
    float sum[N] = {};
#pragma unroll 4 // as many rows are on their way at a time
    for (int i = 0; i < p.rows; i++) {
      const Index row = order ? order[p.first + i] : p.first + i;
      float each[N];
      load<N>(x + row * D + j, each);
      for (int k = 0; k < N; k++) sum[k] += each[k];
    }
    if (p.part >= 0) {
      store<N>(partial + static_cast<Index>(p.part) * D + j, sum);
    } else {
      U* to = into + static_cast<Index>(p.to) * D + j;
      if (accumulate) {
        float before[N];
        load<N>(to, before);
        for (int k = 0; k < N; k++) sum[k] += before[k];
      }
      store<N>(to, sum);
    }
  }
}

// Rows that go to the same one, neighbours in the order of summing.
struct Group {
  int32_t to, first, rows;
};

template <class T, class U>
void sumGroups(Index D, const std::vector<Group>& groups, const int32_t* order, const T* x, U* into, bool accumulate) {
  std::vector<Piece> pieces;
  std::vector<Group> rest; // of pieces' sums
  int32_t parts = 0;
  for (const Group& g : groups) {
    if (g.rows <= kPiece) {
      pieces.push_back({g.first, g.rows, g.to, -1});
      continue;
    }
    rest.push_back({g.to, parts, (g.rows + kPiece - 1) / kPiece});
    for (int32_t i = 0; i < g.rows; i += kPiece)
      pieces.push_back({g.first + i, std::min(kPiece, g.rows - i), g.to, parts++});
  }
  const Temporary<Piece> list = uploaded(pieces.data(), static_cast<Index>(pieces.size()));
  const Temporary<float> sums(parts * D);
  withWidth<T>(D, [&](auto width) {
    constexpr int N = decltype(width)::value;
    const Index threads = std::min<Index>(256, (D + 32 * N - 1) / (32 * N) * 32);
    launch(sumRows<T, U, N>, static_cast<unsigned>(pieces.size()), static_cast<unsigned>(threads), 0, static_cast<int>(D),
           list, order, x, sums, into, accumulate);
  });
  if (!rest.empty()) sumGroups(D, rest, nullptr, static_cast<const float*>(sums), into, accumulate);
}

// into [rows,D] = 0, unless it accumulates; into[at[m]] += x[m].
template <class T, class U>
void scatter(Index M, Index D, Index rows, const int32_t* at, const T* x, U* into, bool accumulate) {
  if (!accumulate) fill(into, 0, rows * D * sizeof(U));
  std::vector<int32_t> end(rows + 1), order(M);
  for (Index m = 0; m < M; m++) end[at[m] + 1]++;
  for (Index row = 0; row < rows; row++) end[row + 1] += end[row]; // where the next row begins
  for (Index m = 0; m < M; m++) order[end[at[m]]++] = static_cast<int32_t>(m);
  std::vector<Group> groups;
  for (int32_t first = 0, next; first < M; first = next) {
    const int32_t row = at[order[first]];
    next = end[row]; // by now: where this one ends
    groups.push_back({row, first, next - first});
  }
  const Temporary<int32_t> sorted = uploaded(order.data(), M);
  sumGroups(D, groups, static_cast<const int32_t*>(sorted), x, into, accumulate);
}

} // namespace

void embedForward(Type type, Index M, Index D, const int32_t* ids, const int32_t* positions, const float* wte,
                  const float* wpe, void* y) {
  const Temporary<int32_t> tokens = uploaded(ids, M), places = uploaded(positions, positions ? M : 0);
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    withWidth<T>(D, [&](auto width) {
      launch(addRows<T, decltype(width)::value>, blocksFor(M, kWarps), kWarps * 32, 0, M, static_cast<int>(D), tokens,
             places, wte, wpe, static_cast<T*>(y));
    });
  });
}

void embedBackward(Type type, Index M, Index D, Index V, Index P, const int32_t* ids, const int32_t* positions,
                   const void* dy, float* dwte, float* dwpe, bool accumulate) {
  withType(type, [&](auto t) {
    const auto* up = static_cast<const decltype(t)*>(dy);
    scatter(M, D, V, ids, up, dwte, accumulate);
    if (dwpe) scatter(M, D, P, positions, up, dwpe, accumulate);
  });
}

void gatherRows(Type type, Index M, Index D, const int32_t* rows, const void* x, void* y) {
  const Temporary<int32_t> list = uploaded(rows, M);
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    withWidth<T>(D, [&](auto width) {
      launch(copyRows<T, decltype(width)::value>, blocksFor(M, kWarps), kWarps * 32, 0, M, static_cast<int>(D), list,
             static_cast<const T*>(x), static_cast<T*>(y));
    });
  });
}

void scatterRows(Type type, Index M, Index D, Index rowsOfX, const int32_t* rows, const void* dy, void* dx) {
  withType(type, [&](auto t) {
    typedef decltype(t) T;
    scatter(M, D, rowsOfX, rows, static_cast<const T*>(dy), static_cast<T*>(dx), false);
  });
}

} // namespace ilf::cuda
