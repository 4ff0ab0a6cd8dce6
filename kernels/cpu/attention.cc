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

// head(b, h) for all H heads of keys and values; next(b, h) says what comes after it on the same thread.
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

// What a call is about, of stored type S.
template <class S>
struct Heads {
  Index B, T, H, KV, Dh;
  const S *q, *k, *v; // of the first token
  Index ldq, ldk, ldv;

  Heads(Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v)
      : B(B), T(T), H(H), KV(KV), Dh(Dh), q(static_cast<const S*>(q.data)), k(static_cast<const S*>(k.data)),
        v(static_cast<const S*>(v.data)), ldq(q.ld), ldk(k.ld), ldv(v.ld) {}
  Index width() const { return H * Dh; } // of a row of y
  Index group() const { return H / KV; } // heads of queries that share keys and values
  // Where, from the first token's, those of sequence b begin at query head h, or at head kv of keys and values.
  Index atQ(Index b, Index h) const { return b * T * ldq + h * Dh; }
  Index atK(Index b, Index kv) const { return b * T * ldk + kv * Dh; }
  Index atV(Index b, Index kv) const { return b * T * ldv + kv * Dh; }
  Index atY(Index b, Index h) const { return b * T * width() + h * Dh; }
  void fetch(Index b, Index kv) const {
    fetchAhead(q + atQ(b, kv * group()), T, ldq, group() * Dh);
    fetchAhead(k + atK(b, kv), T, ldk, Dh);
    fetchAhead(v + atV(b, kv), T, ldv, Dh);
  }
};

template <class S>
void forward(const Heads<S>& c, S* y, float* lse) {
  const Index T = c.T, Dh = c.Dh, keysPad = roundUp(T, NR), dPad = roundUp(Dh, NR);
  const auto head = [&](Index b, Index kv) {
    Pieces pieces = {scratch(kTask0, keysPad * Dh + T * dPad + attendScratch(T, Dh) + 64)};
    float* keys = pieces.take(keysPad * wordsOf<S>(Dh)); // kᵀ
    float* values = pieces.take(T * dPad);
    packPanels<S>(T, Dh, c.k + c.atK(b, kv), c.ldk, true, keys);
    packPanels(Dh, T, c.v + c.atV(b, kv), c.ldv, false, values);
    for (Index h = kv * c.group(); h < (kv + 1) * c.group(); h++)
      attendHead(T, Dh, c.q + c.atQ(b, h), c.ldq, keys, values, y + c.atY(b, h), c.width(), lse + (b * c.H + h) * T, pieces.at);
  };
  overHeads(c.B, c.KV, 2. * c.B * c.H * T * T * Dh, head, [&](Index b, Index kv) { c.fetch(b, kv); });
}

template <class S>
void backward(const Heads<S>& c, const S* y, const float* lse, const S* dy, S* dqs, S* dks, S* dvs) {
  const Index T = c.T, Dh = c.Dh, D = c.width(), keysPad = roundUp(T, NR), dPad = roundUp(Dh, NR);
  const Index words = wordsOf<S>(Dh), queryLd = queryWords(Dh), keyWords = wordsOf<S>(T);
  const float scale = attentionScale(Dh);
  const auto head = [&](Index b, Index kv) {
    const S *k = c.k + c.atK(b, kv), *v = c.v + c.atV(b, kv);
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
    packPanels<S>(T, Dh, k, c.ldk, true, keysT);
    packPanels<S>(T, Dh, v, c.ldv, true, valuesT);
    packPanels<S>(Dh, T, k, c.ldk, false, keys);
    memset(dk, 0, T * dPad * sizeof(float));
    memset(dv, 0, T * dPad * sizeof(float));
    const auto block = [&](Index h, Index from) {
      const Index rows = least(kQueries, T - from), seen = from + rows, rowWords = wordsOf<S>(rows);
      const S *dyBlock = dy + c.atY(b, h) + from * D, *yBlock = y + c.atY(b, h) + from * D;
      copyRows<S>(rows, Dh, c.q + c.atQ(b, h) + from * c.ldq, c.ldq, queries, queryLd);
      copyRows<S>(rows, Dh, dyBlock, D, up, queryLd);
      multiplyPanels<S>(rows, roundUp(seen, NR), words, queries, queryLd, kRows, keysT, words * NR, s, keysPad, false);
      multiplyPanels<S>(rows, roundUp(seen, NR), words, up, queryLd, kRows, valuesT, words * NR, dp, keysPad, false);
      for (Index i = 0; i < rows; i++) {
        const S* upRow = reinterpret_cast<const S*>(up + i * queryLd);
        Vec dot = {};
        for (Index j = 0; j < Dh; j += VL) dot += loadUpTo(upRow + j, Dh - j) * loadUpTo(yBlock + i * D + j, Dh - j);
        const float delta = sumLanes(dot), shift = lse[(b * c.H + h) * T + from + i];
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
      for (Index i = 0; i < rows; i++) scaleRow(dqBlock + i * dPad, Dh, scale, dqs + c.atQ(b, h) + (from + i) * c.ldq);
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
    };
    for (Index h = kv * c.group(); h < (kv + 1) * c.group(); h++)
      for (Index from = 0; from < T; from += kQueries) block(h, from);
    for (Index t = 0; t < T; t++) {
      scaleRow(dk + t * dPad, Dh, scale, dks + c.atK(b, kv) + t * c.ldk);
      scaleRow(dv + t * dPad, Dh, 1.f, dvs + c.atV(b, kv) + t * c.ldv);
    }
  };
  overHeads(c.B, c.KV, 5. * c.B * c.H * T * T * Dh, head, [&](Index b, Index kv) {
    c.fetch(b, kv);
    fetchAhead(y + c.atY(b, kv * c.group()), T, D, c.group() * Dh);
    fetchAhead(dy + c.atY(b, kv * c.group()), T, D, c.group() * Dh);
  });
}

} // namespace

void attentionForward(Type type, Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v, void* y,
                      float* lse) {
  withType(type, [&](auto t) {
    typedef decltype(t) S;
    forward(Heads<S>(B, T, H, KV, Dh, q, k, v), static_cast<S*>(y), lse);
  });
}

void attentionBackward(Type type, Index B, Index T, Index H, Index KV, Index Dh, Strided q, Strided k, Strided v,
                       const void* y, const float* lse, const void* dy, void* dq, void* dk, void* dv) {
  withType(type, [&](auto t) {
    typedef decltype(t) S;
    backward(Heads<S>(B, T, H, KV, Dh, q, k, v), static_cast<const S*>(y), lse, static_cast<const S*>(dy),
             static_cast<S*>(dq), static_cast<S*>(dk), static_cast<S*>(dv));
  });
}

} // namespace ILF_NS
} // namespace ilf
