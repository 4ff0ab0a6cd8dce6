// Causal self-attention by heads of sequences: a head's keys and values are packed once, then blocks of queries meet all
// keys up to their own. At most a block's rows of the attention matrix exist at a time, so memory is linear in T, and a
// whole row is at hand: the softmax is the exact two-pass one. The backward pass recomputes the probabilities from lse
// (Dao et al. 2022, §3.1).
//
// Where queries, keys and values are stored as bfloat16 (S), products of two of them are taken as such, which loses
// nothing. Probabilities stay float32 in the forward pass; in the backward pass they and their gradients are rounded to
// S. A row's scores are scaled by 1/√Dh after the product.
#include "attention.h"

#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "gemm.h"
#include "ops.h"
#include "pack.h"
#include "pieces.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {

namespace {

// Rows of Dh elements in whole words, not a power of two apart (see rowsCollide).
ILF_INLINE Index queryWords(Index Dh) { return roundUp(Dh, 16) + 16; }

} // namespace

Index attendScratch(Index T, Index Dh) {
  return kQueries * (queryWords(Dh) + roundUp(T, NR) + roundUp(Dh, NR)) + 64;
}

template <class S>
void attendHead(Index T, Index Dh, const S* q, Index ldq, const float* keys, const float* values, S* y, Index ldy, float* lse,
                float* work) {
  const Index keysPad = roundUp(T, NR), dPad = roundUp(Dh, NR), words = wordsOf<S>(Dh), ld = queryWords(Dh);
  const float scale = attentionScale(Dh);
  Pieces pieces = {work};
  float* queries = pieces.take(kQueries * ld);
  float* s = pieces.take(kQueries * keysPad);
  float* o = pieces.take(kQueries * dPad);
  for (Index from = 0; from < T; from += kQueries) {
    const Index rows = least(kQueries, T - from), seen = from + rows;
    copyRows<S>(rows, Dh, q + from * ldq, ldq, queries, ld);
    multiplyPanels<S>(rows, roundUp(seen, NR), words, queries, ld, kRows, keys, words * NR, s, keysPad, false);
    float inverse[kQueries];
    for (Index i = 0; i < rows; i++) {
      float* row = s + i * keysPad;
      const Index valid = from + i + 1;
      float m;
      const float sum = rowSoftmaxPadded(row, valid, scale, &m);
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

// Brings rows of a head into the second-level cache: they lie one line here, one line there, which no prefetcher follows.
template <class S>
void fetchAhead(const S* x, Index rows, Index ld, Index n) {
  for (Index t = 0; t < rows; t++)
    for (Index j = 0; j < n; j += 64 / static_cast<Index>(sizeof(S))) __builtin_prefetch(x + t * ld + j, 0, 2);
}

// head(b, h) for all; next(b, h) says what comes after it on the same thread.
template <class Head, class Next>
void overHeads(Index B, Index H, double flops, Head head, Next next) {
  // Whole sequences where there are enough of them: neighbouring heads' elements share memory pages.
  const Index group = B >= 2 * poolThreads() ? H : 1;
  const auto task = [&](Index i) {
    const Index first = i * group;
    for (Index k = first; k < first + group; k++) {
      if (k + 1 < first + group) next((k + 1) / H, (k + 1) % H);
      head(k / H, k % H);
    }
  };
  if (flops < 1e6)
    for (Index i = 0; i < B * H / group; i++) task(i);
  else parallelFor(B * H / group, task);
}

template <class S>
void forward(Index B, Index T, Index H, Index Dh, const S* qkv, S* y, float* lse) {
  const Index D = H * Dh, ld = 3 * D, keysPad = roundUp(T, NR), dPad = roundUp(Dh, NR);
  const auto head = [&](Index b, Index h) {
    const S* q = qkv + b * T * ld + h * Dh;
    Pieces pieces = {scratch(kTask0, keysPad * Dh + T * dPad + attendScratch(T, Dh) + 64)};
    float* keys = pieces.take(keysPad * wordsOf<S>(Dh)); // kᵀ
    float* values = pieces.take(T * dPad);
    packPanels<S>(T, Dh, q + D, ld, true, keys);
    packPanels(Dh, T, q + 2 * D, ld, false, values);
    attendHead(T, Dh, q, ld, keys, values, y + b * T * D + h * Dh, D, lse + (b * H + h) * T, pieces.at);
  };
  overHeads(B, H, 2. * B * H * T * T * Dh, head, [&](Index b, Index h) {
    for (Index part = 0; part < 3; part++) fetchAhead(qkv + b * T * ld + h * Dh + part * D, T, ld, Dh);
  });
}

template <class S>
void backward(Index B, Index T, Index H, Index Dh, const S* qkv, const S* y, const float* lse, const S* dy, S* dqkv) {
  const Index D = H * Dh, ld = 3 * D, keysPad = roundUp(T, NR), dPad = roundUp(Dh, NR);
  const Index words = wordsOf<S>(Dh), queryLd = queryWords(Dh), keyWords = wordsOf<S>(T);
  const float scale = attentionScale(Dh);
  const auto head = [&](Index b, Index h) {
    const S* q = qkv + b * T * ld + h * Dh;
    S* dq = dqkv + b * T * ld + h * Dh;
    const Index size = 2 * keysPad * words + keyWords * dPad + 2 * T * dPad +
                       kQueries * (2 * queryLd + 5 * (keysPad + 16) + 3 * dPad) + 512;
    Pieces pieces = {scratch(kTask0, size)};
    float* keysT = pieces.take(keysPad * words);
    float* valuesT = pieces.take(keysPad * words);
    float* keys = pieces.take(keyWords * dPad);
    float* dk = pieces.take(T * dPad);
    float* dv = pieces.take(T * dPad);
    float* queries = pieces.take(kQueries * queryLd);
    float* up = pieces.take(kQueries * queryLd); // dy of the block
    float* s = pieces.take(kQueries * keysPad);
    float* dp = pieces.take(kQueries * keysPad);
    const Index pLd = keysPad + 16;
    S* p = reinterpret_cast<S*>(pieces.take(wordsOf<S>(kQueries * pLd)));
    S* ds = reinterpret_cast<S*>(pieces.take(wordsOf<S>(kQueries * pLd)));
    float* tiles = pieces.take(kQueries * keysPad + 16);
    float* panels = pieces.take(kQueries * dPad);
    float* dqBlock = pieces.take(kQueries * dPad);
    packPanels<S>(T, Dh, q + D, ld, true, keysT);
    packPanels<S>(T, Dh, q + 2 * D, ld, true, valuesT);
    packPanels<S>(Dh, T, q + D, ld, false, keys);
    memset(dk, 0, T * dPad * sizeof(float));
    memset(dv, 0, T * dPad * sizeof(float));
    for (Index from = 0; from < T; from += kQueries) {
      const Index rows = least(kQueries, T - from), seen = from + rows, rowWords = wordsOf<S>(rows);
      const S *dyBlock = dy + (b * T + from) * D + h * Dh, *yBlock = y + (b * T + from) * D + h * Dh;
      copyRows<S>(rows, Dh, q + from * ld, ld, queries, queryLd);
      copyRows<S>(rows, Dh, dyBlock, D, up, queryLd);
      multiplyPanels<S>(rows, roundUp(seen, NR), words, queries, queryLd, kRows, keysT, words * NR, s, keysPad, false);
      multiplyPanels<S>(rows, roundUp(seen, NR), words, up, queryLd, kRows, valuesT, words * NR, dp, keysPad, false);
      for (Index i = 0; i < rows; i++) {
        const S* upRow = reinterpret_cast<const S*>(up + i * queryLd);
        Vec dot = {};
        for (Index j = 0; j < Dh; j += VL) dot += loadUpTo(upRow + j, Dh - j) * loadUpTo(yBlock + i * D + j, Dh - j);
        const float delta = sumLanes(dot), shift = lse[(b * H + h) * T + from + i];
        const float *si = s + i * keysPad, *dpi = dp + i * keysPad;
        S *pi = p + i * pLd, *dsi = ds + i * pLd;
        const Index valid = from + i + 1, whole = valid / VL * VL;
        for (Index j = 0; j < whole; j += VL) {
          const Vec e = vexpBounded(load(si + j) * scale - shift);
          store(dsi + j, e * (load(dpi + j) - delta));
          store(pi + j, e);
        }
        // Not to the end of the padding, but to the last key that a product of this block reads.
        for (Index j = whole; j < roundUp(seen, 2); j += VL) {
          const IntVec kept = lanesBelow(most(0, valid - j));
          const Vec e = kept ? vexpBounded(load(si + j) * scale - shift) : Vec{};
          store(dsi + j, kept ? e * (load(dpi + j) - delta) : Vec{});
          store(pi + j, e);
        }
      }
      const float* rowsOfDs = reinterpret_cast<const float*>(ds);
      multiplyPanels<S>(rows, dPad, wordsOf<S>(seen), rowsOfDs, pLd / kPerWord<S>, kRows, keys, keyWords * NR, dqBlock, dPad,
                        false);
      for (Index i = 0; i < rows; i++) scaleRow(dqBlock + i * dPad, Dh, scale, dq + (from + i) * ld);
      // x [T, Dh] += wᵀ (rows of x's gradient): w's columns are read in place as floats, as pairs they must be packed.
      const auto addTo = [&](float* sums, const S* w, const float* block) {
        packPanels<S>(Dh, rows, reinterpret_cast<const S*>(block), queryLd * kPerWord<S>, false, panels);
        const float* left = reinterpret_cast<const float*>(w);
        if (sizeof(S) == 2) packTiles<S>(seen, rows, w, pLd, tiles);
        multiplyPanels<S>(seen, dPad, rowWords, sizeof(S) == 2 ? tiles : left, pLd, sizeof(S) == 2 ? kTiles : kCols, panels,
                          rowWords * NR, sums, dPad, true);
      };
      addTo(dk, ds, queries);
      addTo(dv, p, up);
    }
    for (Index t = 0; t < T; t++) {
      scaleRow(dk + t * dPad, Dh, scale, dq + t * ld + D);
      scaleRow(dv + t * dPad, Dh, 1.f, dq + t * ld + 2 * D);
    }
  };
  overHeads(B, H, 5. * B * H * T * T * Dh, head, [&](Index b, Index h) {
    for (Index part = 0; part < 3; part++) fetchAhead(qkv + b * T * ld + h * Dh + part * D, T, ld, Dh);
    fetchAhead(y + b * T * D + h * Dh, T, D, Dh);
    fetchAhead(dy + b * T * D + h * Dh, T, D, Dh);
  });
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
