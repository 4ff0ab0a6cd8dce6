// Causal self-attention on tensor cores as FlashAttention-2 (Dao 2023): tiles of queries meet tiles of keys and values in
// shared memory, scores live in registers only, memory is linear in T. Operands of products are bfloat16, the probabilities
// and the scores' gradients too; everything else is float32. The softmax is the running one, in base 2, with
// log2(e)/sqrt(Dh) folded into the exponent.
//
// A warp owns 16 or 32 rows of what it sums up and of the scores, whole rows: sums over a row stay within four lanes, and
// scores become the left operand of the second product where they are, in registers. Forward (attention_forward.cu): rows are
// queries. Backward (attention_backward.cu): rows are keys, for dk and dv, and the scores are transposed; what a tile of them
// adds to dq is added in memory, one block after another. All sums are in a fixed order, which no neighbour and no later key
// changes.
//
// The next tile of keys and values (or of queries and dy) is copied while this one is multiplied. Tiles that the mask hides
// wholly are skipped, and only those on the diagonal are masked. A query sees no later key, so the mask also hides the zeros
// with which tiles are filled beyond T. Heads of Dh numbers are computed as 32, 64 or 128, zeros behind.
//
// On Hopper, heads of more than 32 numbers are multiplied by its own instructions (attention_wgmma_forward.cu and _backward.cu,
// where a warpgroup's rows are 64), once they have given these kernels' results (hopper.h).
//
// Cost: 4 B·H·T²·Dh/2 flops forward, 10 backward, and about as many cycles for exponentials as for products. From memory
// come queries, keys and values once, since a head's blocks are neighbours and find its keys and values in the second-level cache.
#include "attention.h"

#include <math.h>

#include "attention_heads.h"
#include "hopper.h"
#include "ops.h"

namespace ilf::cuda {
namespace {

constexpr int kThreads = 128;

// Heads of numbers of M positions that lie ldx apart, `size` of each, to heads of `stored` that lie ldy apart; zeros behind.
template <class From, class To>
__global__ void copyHeadsKernel(Index n, int heads, int size, int ldx, int stored, int ldy, const From* x, To* y) {
  const Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const int column = static_cast<int>(i % stored), head = static_cast<int>(i / stored % heads);
  const Index m = i / stored / heads;
  y[m * ldy + head * stored + column] = fromFloat<To>(column < size ? toFloat(x[m * ldx + head * size + column]) : 0.f);
}
template <class From, class To>
void copyHeads(Index M, Index heads, Index size, Index ldx, Index stored, Index ldy, const From* x, To* y) {
  const Index n = M * heads * stored;
  launch(copyHeadsKernel<From, To>, blocksFor(n, kThreads), kThreads, 0, n, static_cast<int>(heads), static_cast<int>(size),
         static_cast<int>(ldx), static_cast<int>(stored), static_cast<int>(ldy), x, y);
}

bool aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

struct Sizes {
  Index B, T, H, KV, Dh;
  Index M() const { return B * T; }
};

// Queries, keys and values as copies of their own: heads of `stored` numbers. For inputs, and for gradients that copyBack then
// takes to where they belong.
template <class E>
class Copies {
 public:
  Copies(const Sizes& c, Index stored)
      : c_(c), stored_(stored), q_(c.M() * c.H * stored), k_(c.M() * c.KV * stored), v_(c.M() * c.KV * stored) {}
  void take(Strided q, Strided k, Strided v) {
    const auto copy = [&](Index heads, Strided x, E* to) {
      copyHeads<bf16, E>(c_.M(), heads, c_.Dh, x.ld, stored_, heads * stored_, static_cast<const bf16*>(x.data), to);
    };
    copy(c_.H, q, q_);
    copy(c_.KV, k, k_);
    copy(c_.KV, v, v_);
  }
  // x: the numbers between positions that q, k and v have, and the gradients.
  void copyBack(Strided q, Strided k, Strided v, void* dq, void* dk, void* dv) const {
    const auto copy = [&](Index heads, const E* x, Index ld, void* to) {
      copyHeads<E, bf16>(c_.M(), heads, stored_, heads * stored_, c_.Dh, ld, x, static_cast<bf16*>(to));
    };
    copy(c_.H, q_, q.ld, dq);
    copy(c_.KV, k_, k.ld, dk);
    copy(c_.KV, v_, v.ld, dv);
  }
  Strided q() const { return {static_cast<E*>(q_), c_.H * stored_}; }
  Strided k() const { return {static_cast<E*>(k_), c_.KV * stored_}; }
  Strided v() const { return {static_cast<E*>(v_), c_.KV * stored_}; }
  Projected<E> all() const { return {q_, k_, v_}; }
  Projected<const E> from() const { return {q_, k_, v_}; }

 private:
  Sizes c_;
  Index stored_;
  Temporary<E> q_, k_, v_;
};

// stored: numbers of a head, a multiple of 8, of which those from Dh on are 0.
Heads headsOf(const Sizes& c, Index stored, Strided q, Strided k, Strided v) {
  const auto whole = [](Index n) { return static_cast<int>(n); };
  return {whole(c.B), whole(c.T),  whole(c.H),  whole(c.KV), whole(stored),
          whole(q.ld), whole(k.ld), whole(v.ld), 1.f / sqrtf(static_cast<float>(c.Dh))};
}

Projected<const bf16> halvesOf(Strided q, Strided k, Strided v) {
  return {static_cast<const bf16*>(q.data), static_cast<const bf16*>(k.data), static_cast<const bf16*>(v.data)};
}

// Heads of up to 32 numbers would be padded to Hopper's 64.
bool byWgmma(const Heads& heads) { return heads.Dh > 32 && usesHopper(); }

void forward(const Heads& heads, const Projected<const bf16>& of, bf16* y, float* lse) {
  (byWgmma(heads) ? forwardByWgmma : forwardByTiles)(heads, of, y, lse);
}
void backward(const Heads& heads, const Projected<const bf16>& of, const bf16* y, const float* lse, const bf16* dy,
              const Projected<bf16>& to) {
  (byWgmma(heads) ? backwardByWgmma : backwardByTiles)(heads, of, y, lse, dy, to);
}

// Whether 16 bytes can be read at a time.
bool takesPieces(Index Dh, Strided x) { return Dh % 8 == 0 && x.ld % 8 == 0 && aligned(x.data); }

} // namespace

// Heads that the tiles do not take as they are pass through copies: in rows of a multiple of 8 numbers, or, larger than
// kLargestHead, in float32.
void attentionForward(Type type, Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v, void* y,
                      float* lse) {
  if (B * T * H * Dh == 0) return;
  if (type == kFloat32) return attentionForwardByProducts(B, T, H, KV, Dh, q, k, v, static_cast<float*>(y), lse);
  const Sizes c = {B, T, H, KV, Dh};
  bf16* to = static_cast<bf16*>(y);
  if (Dh > kLargestHead) {
    Copies<float> x32(c, Dh);
    Temporary<float> y32(c.M() * H * Dh);
    x32.take(q, k, v);
    attentionForwardByProducts(B, T, H, KV, Dh, x32.q(), x32.k(), x32.v(), y32, lse);
    copyHeads<float, bf16>(c.M(), H, Dh, H * Dh, Dh, H * Dh, y32, to);
  } else if (!takesPieces(Dh, q) || !takesPieces(Dh, k) || !takesPieces(Dh, v) || !aligned(y)) {
    const Index stored = (Dh + 7) / 8 * 8;
    Copies<bf16> x(c, stored);
    Temporary<bf16> yPadded(c.M() * H * stored);
    x.take(q, k, v);
    forward(headsOf(c, stored, x.q(), x.k(), x.v()), x.from(), yPadded, lse);
    copyHeads<bf16, bf16>(c.M(), H, stored, H * stored, Dh, H * Dh, yPadded, to);
  } else {
    forward(headsOf(c, Dh, q, k, v), halvesOf(q, k, v), to, lse);
  }
}

void attentionBackward(Type type, Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v,
                       const void* y, const float* lse, const void* dy, void* dq, void* dk, void* dv) {
  if (B * T * H * Dh == 0) return;
  if (type == kFloat32)
    return attentionBackwardByProducts(B, T, H, KV, Dh, q, k, v, static_cast<const float*>(y), lse,
                                       static_cast<const float*>(dy), static_cast<float*>(dq), static_cast<float*>(dk),
                                       static_cast<float*>(dv));
  const Sizes c = {B, T, H, KV, Dh};
  const bf16 *out = static_cast<const bf16*>(y), *up = static_cast<const bf16*>(dy);
  const Index D = H * Dh;
  if (Dh > kLargestHead) {
    Copies<float> x32(c, Dh), dx32(c, Dh);
    Temporary<float> y32(c.M() * D), dy32(c.M() * D);
    x32.take(q, k, v);
    copyHeads<bf16, float>(c.M(), H, Dh, D, Dh, D, out, y32);
    copyHeads<bf16, float>(c.M(), H, Dh, D, Dh, D, up, dy32);
    const Projected<float> to = dx32.all();
    attentionBackwardByProducts(B, T, H, KV, Dh, x32.q(), x32.k(), x32.v(), y32, lse, dy32, to.q, to.k, to.v);
    dx32.copyBack(q, k, v, dq, dk, dv);
  } else if (!takesPieces(Dh, q) || !takesPieces(Dh, k) || !takesPieces(Dh, v) || !aligned(y) || !aligned(dy) ||
             !aligned(dq) || !aligned(dk) || !aligned(dv)) {
    const Index stored = (Dh + 7) / 8 * 8;
    Copies<bf16> x(c, stored), dx(c, stored);
    Temporary<bf16> yPadded(c.M() * H * stored), dyPadded(c.M() * H * stored);
    x.take(q, k, v);
    copyHeads<bf16, bf16>(c.M(), H, Dh, D, stored, H * stored, out, yPadded);
    copyHeads<bf16, bf16>(c.M(), H, Dh, D, stored, H * stored, up, dyPadded);
    backward(headsOf(c, stored, x.q(), x.k(), x.v()), x.from(), yPadded, lse, dyPadded, dx.all());
    dx.copyBack(q, k, v, dq, dk, dv);
  } else {
    backward(headsOf(c, Dh, q, k, v), halvesOf(q, k, v), out, lse, up,
             {static_cast<bf16*>(dq), static_cast<bf16*>(dk), static_cast<bf16*>(dv)});
  }
}

} // namespace ilf::cuda
