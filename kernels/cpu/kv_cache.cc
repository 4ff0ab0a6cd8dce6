// The additions are those of the training pass's attention, in the same order: a row's result has the same bits.
#include "kv_cache.h"

#include "../runtime/memory.h"
#include "../runtime/scratch.h"
#include "attention.h"
#include "pack.h"
#include "pieces.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {
namespace {

Index tPad(const KvCache& c) { return roundUp(c.longest, NR); }
Index newPad(const KvCache& c) { return roundUp(c.maxNew, NR); }
Index dPad(const KvCache& c) { return roundUp(c.Dh, NR); }

// In floats: keys of one head, after which its values come, and both.
template <class T>
Index keysSize(const KvCache& c, Index tokensPad) {
  return tokensPad * wordsOf<T>(c.Dh);
}
template <class T>
Index promptSize(const KvCache& c) {
  return keysSize<T>(c, tPad(c)) + wordsOf<T>(c.longest * dPad(c));
}
template <class T>
Index ownSize(const KvCache& c) {
  return keysSize<T>(c, newPad(c)) + wordsOf<T>(c.maxNew * dPad(c));
}
template <class T>
float* promptKeys(const KvCache& c, Index layer, Index p, Index h) {
  return c.prompts + ((layer * c.P + p) * c.heads + h) * promptSize<T>(c);
}
template <class T>
float* ownKeys(const KvCache& c, Index layer, Index row, Index h) {
  return c.own + ((layer * c.P * c.n + row) * c.heads + h) * ownSize<T>(c);
}
template <class T>
T* promptValues(const KvCache& c, float* keys) {
  return reinterpret_cast<T*>(keys + keysSize<T>(c, tPad(c)));
}
template <class T>
T* ownValues(const KvCache& c, float* keys) {
  return reinterpret_cast<T*>(keys + keysSize<T>(c, newPad(c)));
}

// Appends the key (words) and the value of a row's token number `at`.
template <class T>
void append(const KvCache& c, Index at, const float* k, const T* v, float* keys, T* values) {
  const Index words = wordsOf<T>(c.Dh);
  float* panel = keys + at / NR * words * NR;
  // Columns that hold no key yet are multiplied too; let them be zeros, not whatever the memory held.
  if (at % NR == 0) memset(panel, 0, words * NR * sizeof(float));
  for (Index j = 0; j < words; j++) panel[j * NR + at % NR] = k[j];
  for (Index j = 0; j < c.Dh; j += NR) memcpy(values + j * c.maxNew + at * NR, v + j, least(NR, c.Dh - j) * sizeof(T));
}

// A row alone has nothing to reuse: it streams through memory, and what it needs next should be on its way meanwhile.
// `ahead` (bytes) is the distance to that: the next head's keys and values, or some way on in this head's where they are
// long. Without it a step's attention takes about 1.7 times as long.
constexpr Index kAhead = 24576;
template <class T>
ILF_INLINE void fetch(const T* p, Index ahead) {
  for (Index i = 0; i < NR; i += 64 / static_cast<Index>(sizeof(T)))
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p + i) + ahead), 0, 2);
}

// out[P·NR] = q · the keys of P panels.
template <class T, int P>
ILF_INLINE void dotPanels(Index words, const float* q, const float* panels, Index ahead, float* out) {
  Vec sum[P][NRV] = {};
  for (Index k = 0; k < words; k++)
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) {
      const float* keys = panels + (p * words + k) * NR;
      fetch(keys, ahead);
#pragma GCC unroll 4
      for (int v = 0; v < NRV; v++) sum[p][v] = multiplyAdd<T>(sum[p][v], q[k], load(keys + v * VL));
    }
  for (int p = 0; p < P; p++)
    for (int v = 0; v < NRV; v++) store(out + p * NR + v * VL, sum[p][v]);
}

template <class T>
void dots(Index count, Index words, const float* q, const float* panels, Index ahead, float* out) {
  Index j = 0;
  for (; j + NR < count; j += 2 * NR) dotPanels<T, 2>(words, q, panels + j * words, ahead, out + j);
  if (j < count) dotPanels<T, 1>(words, q, panels + j * words, ahead, out + j);
}

// sums[P·NR] += Σ weights[t] · values[t], in the order of t; panels are `stride` apart.
template <class T, int P>
ILF_INLINE void mixPanels(Index count, const float* weights, const T* panels, Index stride, Index ahead, float* sums) {
  Vec sum[P][NRV];
  for (int p = 0; p < P; p++)
    for (int v = 0; v < NRV; v++) sum[p][v] = load(sums + p * NR + v * VL);
  for (Index t = 0; t < count; t++)
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) {
      const T* values = panels + p * stride + t * NR;
      fetch(values, ahead);
#pragma GCC unroll 4
      for (int v = 0; v < NRV; v++) sum[p][v] += weights[t] * load(values + v * VL);
    }
  for (int p = 0; p < P; p++)
    for (int v = 0; v < NRV; v++) store(sums + p * NR + v * VL, sum[p][v]);
}

template <class T>
void mix(Index count, Index Dh, const float* weights, const T* panels, Index stride, Index ahead, float* sums) {
  Index j = 0;
  for (; j + NR < Dh; j += 2 * NR) mixPanels<T, 2>(count, weights, panels + j / NR * stride, stride, ahead, sums + j);
  if (j < Dh) mixPanels<T, 1>(count, weights, panels + j / NR * stride, stride, ahead, sums + j);
}

// Panels of values as floats, which products and the prompt's own attention take: in place, or in `work`.
const float* asFloats(const float* values, Index, float*) { return values; }
const float* asFloats(const bf16* values, Index n, float* work) {
  for (Index i = 0; i < n; i += VL) store(work + i, load(values + i));
  return work;
}
template <class T>
constexpr bool kConverts = sizeof(T) == 2;

} // namespace

template <class T>
bool openCache(KvCache& c, Index P, Index longest, const int32_t* lengths, Index n, Index maxNew) {
  c.P = P;
  c.longest = longest;
  c.n = n;
  c.maxNew = maxNew;
  const Index prompts = c.layers * P * c.heads * promptSize<T>(c), own = c.layers * P * n * c.heads * ownSize<T>(c);
  const Index needed = prompts + own + P * c.vocab + P + P * n + 5 * 16;
  if (needed > c.held) {
    closeCache(c);
    c.memory = allocateFloats(needed, &c.held);
    if (!c.memory) return false;
  }
  Pieces pieces = {c.memory};
  c.prompts = pieces.take(prompts);
  c.own = pieces.take(own);
  c.logits = pieces.take(P * c.vocab);
  c.lengths = reinterpret_cast<int32_t*>(pieces.take(P));
  c.added = reinterpret_cast<int32_t*>(pieces.take(P * n));
  memcpy(c.lengths, lengths, P * sizeof(int32_t));
  memset(c.added, 0, P * n * sizeof(int32_t));
  return true;
}

void closeCache(KvCache& c) {
  freeFloats(c.memory, c.held);
  c.memory = nullptr;
  c.held = 0;
}

template <class T>
void attendPrompt(const KvCache& c, Index layer, Index head, Index p, const Projected<T>& of, T* y, Index ldy) {
  const Index L = c.lengths[p], size = L * dPad(c);
  float* keys = promptKeys<T>(c, layer, p, head);
  T* values = promptValues<T>(c, keys);
  packPanels<T>(L, c.Dh, of.k, of.ld, true, keys);
  Pieces pieces = {scratch(kTask1, attendScratch(L, c.Dh) + (kConverts<T> ? size + 16 : 0))};
  float* panels = kConverts<T> ? pieces.take(size) : reinterpret_cast<float*>(values);
  packPanels(c.Dh, L, of.v, of.ld, false, panels);
  if (kConverts<T>)
    for (Index i = 0; i < size; i += VL) store(values + i, load(panels + i));
  for (Index j = 0; j < c.group; j++)
    attendHead(L, c.Dh, of.q + j * c.Dh, of.ld, keys, panels, y + j * c.Dh, ldy, nullptr, pieces.at);
}

template <class T>
void attendRows(const KvCache& c, Index layer, Index head, Index G, const int32_t* rows, const Projected<T>& of, T* y,
                Index ldy) {
  const Index Dh = c.Dh, p = rows[0] / c.n, L = c.lengths[p], words = wordsOf<T>(Dh), Q = G * c.group;
  const Index width = tPad(c) + newPad(c), pad = dPad(c), ld = roundUp(words, 16) + 16;
  const float scale = attentionScale(Dh);
  Pieces pieces = {scratch(kTask1, Q * (ld + width + pad + 1) + G * ld + (kConverts<T> ? L * pad : 0) + 6 * 16)};
  float* queries = pieces.take(Q * ld); // a row's one after another
  float* fresh = pieces.take(G * ld);   // the new tokens' keys, in words
  float* s = pieces.take(Q * width);
  float* o = pieces.take(Q * pad);
  float* inverse = pieces.take(Q);
  float* keys = promptKeys<T>(c, layer, p, head);
  const T* values = promptValues<T>(c, keys);
  for (Index j = 0; j < c.group; j++) copyRows<T>(G, Dh, of.q + j * Dh, of.ld, queries + j * ld, c.group * ld);
  copyRows<T>(G, Dh, of.k, of.ld, fresh, ld);
  const Index aheadPrompt = least(kAhead, promptSize<T>(c) * 4), aheadOwn = least(kAhead, ownSize<T>(c) * 4);
  if (Q == 1) dots<T>(L, words, queries, keys, aheadPrompt, s);
  else multiplyPanels<T>(Q, roundUp(L, NR), words, queries, ld, kRows, keys, words * NR, s, width, false);
  for (Index g = 0; g < G; g++) {
    float* ks = ownKeys<T>(c, layer, rows[g], head);
    const Index at = c.added[rows[g]];
    append(c, at, fresh + g * ld, of.v + g * of.ld, ks, ownValues<T>(c, ks));
    for (Index i = g * c.group; i < (g + 1) * c.group; i++) {
      float* row = s + i * width;
      dots<T>(at + 1, words, queries + i * ld, ks, aheadOwn, row + L);
      float m;
      inverse[i] = 1.f / rowSoftmaxPadded(row, L + at + 1, scale, &m);
    }
  }
  if (Q == 1) {
    memset(o, 0, pad * sizeof(float));
    mix(L, Dh, s, values, L * NR, aheadPrompt, o);
  } else {
    const float* panels = asFloats(values, L * pad, pieces.at);
    multiplyPanels(Q, pad, L, s, width, kRows, panels, L * NR, o, pad, false);
  }
  for (Index g = 0; g < G; g++) {
    const T* vs = ownValues<T>(c, ownKeys<T>(c, layer, rows[g], head));
    for (Index j = 0, i = g * c.group; j < c.group; j++, i++) {
      mix(c.added[rows[g]] + 1, Dh, s + i * width + L, vs, c.maxNew * NR, aheadOwn, o + i * pad);
      scaleRow(o + i * pad, Dh, inverse[i], y + g * ldy + j * Dh);
    }
  }
}

#define ILF_CACHE(T)                                                                                                      \
  template bool openCache<T>(KvCache&, Index, Index, const int32_t*, Index, Index);                                       \
  template void attendPrompt<T>(const KvCache&, Index, Index, Index, const Projected<T>&, T*, Index);                     \
  template void attendRows<T>(const KvCache&, Index, Index, Index, const int32_t*, const Projected<T>&, T*, Index);
ILF_CACHE(float)
ILF_CACHE(bf16)

} // namespace ILF_NS
} // namespace ilf
