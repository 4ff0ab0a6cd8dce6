// Causal self-attention, a task per (sequence, head): its keys and values are packed once, then blocks of queries meet
// all keys up to their own. At most a block's rows of the attention matrix exist at a time, so memory is linear in T, and
// a whole row is at hand: the softmax is the exact two-pass one. The backward pass recomputes the probabilities from lse
// (Dao et al. 2022, §3.1). Queries, keys and values stored as bfloat16 (S) become floats as they are packed, and all
// arithmetic is float32.
#include "attention.h"

#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "gemm.h"
#include "ops.h"
#include "pieces.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {

Index attendScratch(Index T, Index Dh) {
  return kQueries * (roundUp(Dh, 16) + roundUp(T, NR) + roundUp(Dh, NR)) + 64;
}

template <class S>
void attendHead(Index T, Index Dh, const S* q, Index ldq, const float* keys, const float* values, S* y, Index ldy, float* lse,
                float* work) {
  const Index keysPad = roundUp(T, NR), dPad = roundUp(Dh, NR);
  const float scale = attentionScale(Dh);
  Pieces pieces = {work};
  float* scaled = pieces.take(kQueries * Dh);
  float* s = pieces.take(kQueries * keysPad);
  float* o = pieces.take(kQueries * dPad);
  for (Index from = 0; from < T; from += kQueries) {
    const Index rows = least(kQueries, T - from), seen = from + rows;
    for (Index i = 0; i < rows; i++) scaleRow(q + (from + i) * ldq, Dh, scale, scaled + i * Dh);
    multiplyPanels(rows, roundUp(seen, NR), Dh, scaled, Dh, kRows, keys, Dh * NR, s, keysPad, false);
    float inverse[kQueries];
    for (Index i = 0; i < rows; i++) {
      float* row = s + i * keysPad;
      const Index valid = from + i + 1;
      float m;
      const float sum = rowSoftmaxPadded(row, valid, &m);
      for (Index j = roundUp(valid, VL); j < seen; j += VL) store(row + j, Vec{});
      inverse[i] = 1.f / sum;
      if (lse) lse[from + i] = m + logf(sum);
    }
    multiplyPanels(rows, dPad, seen, s, keysPad, kRows, values, T * NR, o, dPad, false);
    for (Index i = 0; i < rows; i++) scaleRow(o + i * dPad, Dh, inverse[i], y + (from + i) * ldy);
  }
}

template void attendHead(Index, Index, const float*, Index, const float*, const float*, float*, Index, float*, float*);
template void attendHead(Index, Index, const bf16*, Index, const float*, const float*, bf16*, Index, float*, float*);

namespace {

template <class S>
void forward(Index B, Index T, Index H, Index Dh, const S* qkv, S* y, float* lse) {
  const Index D = H * Dh, ld = 3 * D, keysPad = roundUp(T, NR), dPad = roundUp(Dh, NR);
  const auto head = [&](Index task) {
    const Index b = task / H, h = task % H;
    const S* q = qkv + b * T * ld + h * Dh;
    Pieces pieces = {scratch(kTask0, keysPad * Dh + T * dPad + attendScratch(T, Dh) + 64)};
    float* keys = pieces.take(keysPad * Dh); // kᵀ
    float* values = pieces.take(T * dPad);
    packPanels(T, Dh, q + D, ld, true, keys);
    packPanels(Dh, T, q + 2 * D, ld, false, values);
    attendHead(T, Dh, q, ld, keys, values, y + b * T * D + h * Dh, D, lse + task * T, pieces.at);
  };
  if (2. * B * H * T * T * Dh < 1e6)
    for (Index i = 0; i < B * H; i++) head(i);
  else parallelFor(B * H, head);
}

template <class S>
void backward(Index B, Index T, Index H, Index Dh, const S* qkv, const S* y, const float* lse, const S* dy, S* dqkv) {
  const Index D = H * Dh, ld = 3 * D, keysPad = roundUp(T, NR), dPad = roundUp(Dh, NR);
  const float scale = attentionScale(Dh);
  const auto head = [&](Index task) {
    const Index b = task / H, h = task % H;
    const S* q = qkv + b * T * ld + h * Dh;
    S* dq = dqkv + b * T * ld + h * Dh;
    const Index size = 2 * keysPad * Dh + 3 * T * dPad + kQueries * (2 * Dh + 2 * keysPad + 3 * dPad) + 256;
    Pieces pieces = {scratch(kTask0, size)};
    float* keysT = pieces.take(keysPad * Dh);
    float* valuesT = pieces.take(keysPad * Dh);
    float* keys = pieces.take(T * dPad);
    float* dk = pieces.take(T * dPad);
    float* dv = pieces.take(T * dPad);
    float* scaled = pieces.take(kQueries * Dh);
    float* up = pieces.take(kQueries * Dh); // dy of the block
    float* p = pieces.take(kQueries * keysPad);
    float* ds = pieces.take(kQueries * keysPad);
    float* qPanels = pieces.take(kQueries * dPad);
    float* dyPanels = pieces.take(kQueries * dPad);
    float* dqBlock = pieces.take(kQueries * dPad);
    packPanels(T, Dh, q + D, ld, true, keysT);
    packPanels(T, Dh, q + 2 * D, ld, true, valuesT);
    packPanels(Dh, T, q + D, ld, false, keys);
    memset(dk, 0, T * dPad * sizeof(float));
    memset(dv, 0, T * dPad * sizeof(float));
    for (Index from = 0; from < T; from += kQueries) {
      const Index rows = least(kQueries, T - from), seen = from + rows;
      const S *dyBlock = dy + (b * T + from) * D + h * Dh, *yBlock = y + (b * T + from) * D + h * Dh;
      for (Index i = 0; i < rows; i++) scaleRow(q + (from + i) * ld, Dh, scale, scaled + i * Dh);
      for (Index i = 0; i < rows; i++) scaleRow(dyBlock + i * D, Dh, 1.f, up + i * Dh);
      packPanels(Dh, rows, scaled, Dh, false, qPanels);
      packPanels(Dh, rows, up, Dh, false, dyPanels);
      multiplyPanels(rows, roundUp(seen, NR), Dh, scaled, Dh, kRows, keysT, Dh * NR, p, keysPad, false);
      multiplyPanels(rows, roundUp(seen, NR), Dh, up, Dh, kRows, valuesT, Dh * NR, ds, keysPad, false);
      for (Index i = 0; i < rows; i++) {
        Vec dot = {};
        for (Index j = 0; j < Dh; j += VL)
          dot += loadUpTo(up + i * Dh + j, Dh - j) * loadUpTo(yBlock + i * D + j, Dh - j);
        const float delta = sumLanes(dot), shift = lse[task * T + from + i];
        float *pi = p + i * keysPad, *dsi = ds + i * keysPad;
        const Index valid = from + i + 1;
        const auto through = [&](Index j, IntVec seenLanes) {
          const Vec e = seenLanes ? vexpBounded(load(pi + j) - shift) : Vec{};
          store(dsi + j, e * (load(dsi + j) - delta));
          store(pi + j, e);
        };
        Index j = 0;
        for (; j + VL <= valid; j += VL) through(j, lanesBelow(VL));
        for (; j < seen; j += VL) through(j, lanesBelow(most(0, valid - j)));
      }
      multiplyPanels(rows, dPad, seen, ds, keysPad, kRows, keys, T * NR, dqBlock, dPad, false);
      for (Index i = 0; i < rows; i++) scaleRow(dqBlock + i * dPad, Dh, scale, dq + (from + i) * ld);
      multiplyPanels(seen, dPad, rows, ds, keysPad, kCols, qPanels, rows * NR, dk, dPad, true);
      multiplyPanels(seen, dPad, rows, p, keysPad, kCols, dyPanels, rows * NR, dv, dPad, true);
    }
    for (Index t = 0; t < T; t++) {
      scaleRow(dk + t * dPad, Dh, 1.f, dq + t * ld + D);
      scaleRow(dv + t * dPad, Dh, 1.f, dq + t * ld + 2 * D);
    }
  };
  if (5. * B * H * T * T * Dh < 1e6)
    for (Index i = 0; i < B * H; i++) head(i);
  else parallelFor(B * H, head);
}

} // namespace

void attentionForward(Type type, Index B, Index T, Index H, Index Dh, const void* qkv, void* y, float* lse) {
  withType(type, [&](auto t) {
    typedef decltype(t) S;
    forward(B, T, H, Dh, static_cast<const S*>(qkv), static_cast<S*>(y), lse);
  });
}

void attentionBackward(Type type, Index B, Index T, Index H, Index Dh, const void* qkv, const void* y, const float* lse,
                       const void* dy, void* dqkv) {
  withType(type, [&](auto t) {
    typedef decltype(t) S;
    backward(B, T, H, Dh, static_cast<const S*>(qkv), static_cast<const S*>(y), lse, static_cast<const S*>(dy),
             static_cast<S*>(dqkv));
  });
}

} // namespace ILF_NS
} // namespace ilf
