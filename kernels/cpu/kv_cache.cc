// The additions are those of the training pass's attention, in the same order: a row's result has the same bits.
#include "kv_cache.h"

#include <stdlib.h>

#include "../runtime/memory.h"
#include "../runtime/scratch.h"
#include "attention.h"
#include "pieces.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {
namespace {

Index tPad(const KvCache& c) { return roundUp(c.T, NR); }
Index newPad(const KvCache& c) { return roundUp(c.maxNew, NR); }
Index dPad(const KvCache& c) { return roundUp(c.Dh, NR); }

// Keys of one head; its values follow.
Index promptSize(const KvCache& c) { return tPad(c) * c.Dh + c.T * dPad(c); }
Index ownSize(const KvCache& c) { return newPad(c) * c.Dh + c.maxNew * dPad(c); }
float* promptKeys(const KvCache& c, Index layer, Index p, Index h) {
  return c.prompts + ((layer * c.P + p) * c.heads + h) * promptSize(c);
}
float* ownKeys(const KvCache& c, Index layer, Index row, Index h) {
  return c.own + ((layer * c.P * c.n + row) * c.heads + h) * ownSize(c);
}

// Appends the key and the value of a row's token number `at`.
void append(const KvCache& c, Index at, const float* k, const float* v, float* keys, float* values) {
  float* panel = keys + at / NR * c.Dh * NR;
  // Columns that hold no key yet are multiplied too; let them be zeros, not whatever the memory held.
  if (at % NR == 0) memset(panel, 0, c.Dh * NR * sizeof(float));
  for (Index j = 0; j < c.Dh; j++) panel[j * NR + at % NR] = k[j];
  for (Index j = 0; j < c.Dh; j += NR) memcpy(values + j * c.maxNew + at * NR, v + j, least(NR, c.Dh - j) * sizeof(float));
}

// A row alone has nothing to reuse: it streams through memory, and what it needs next should be on its way meanwhile.
// `ahead` (floats) is the distance to that: the next head's keys and values, or some way on in this head's where they are
// long. Without it a step's attention takes about 1.7 times as long.
constexpr Index kAhead = 6144;
ILF_INLINE void fetch(const float* p, Index ahead) {
  for (Index i = 0; i < NR; i += 16)
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p + i) + ahead * sizeof(float)), 0, 2);
}

// out[P·NR] = q · the keys of P panels.
template <int P>
ILF_INLINE void dotPanels(Index Dh, const float* q, const float* panels, Index ahead, float* out) {
  Vec sum[P][NRV] = {};
  for (Index k = 0; k < Dh; k++)
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) {
      const float* keys = panels + (p * Dh + k) * NR;
      fetch(keys, ahead);
#pragma GCC unroll 4
      for (int v = 0; v < NRV; v++) sum[p][v] += q[k] * load(keys + v * VL);
    }
  for (int p = 0; p < P; p++)
    for (int v = 0; v < NRV; v++) store(out + p * NR + v * VL, sum[p][v]);
}

void dots(Index count, Index Dh, const float* q, const float* panels, Index ahead, float* out) {
  Index j = 0;
  for (; j + NR < count; j += 2 * NR) dotPanels<2>(Dh, q, panels + j * Dh, ahead, out + j);
  if (j < count) dotPanels<1>(Dh, q, panels + j * Dh, ahead, out + j);
}

// sums[P·NR] += Σ weights[t] · values[t], in the order of t; panels are `stride` apart.
template <int P>
ILF_INLINE void mixPanels(Index count, const float* weights, const float* panels, Index stride, Index ahead, float* sums) {
  Vec sum[P][NRV];
  for (int p = 0; p < P; p++)
    for (int v = 0; v < NRV; v++) sum[p][v] = load(sums + p * NR + v * VL);
  for (Index t = 0; t < count; t++)
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) {
      const float* values = panels + p * stride + t * NR;
      fetch(values, ahead);
#pragma GCC unroll 4
      for (int v = 0; v < NRV; v++) sum[p][v] += weights[t] * load(values + v * VL);
    }
  for (int p = 0; p < P; p++)
    for (int v = 0; v < NRV; v++) store(sums + p * NR + v * VL, sum[p][v]);
}

void mix(Index count, Index Dh, const float* weights, const float* panels, Index stride, Index ahead, float* sums) {
  Index j = 0;
  for (; j + NR < Dh; j += 2 * NR) mixPanels<2>(count, weights, panels + j / NR * stride, stride, ahead, sums + j);
  if (j < Dh) mixPanels<1>(count, weights, panels + j / NR * stride, stride, ahead, sums + j);
}

} // namespace

bool openCache(KvCache& c, Index P, Index T, const int32_t* lengths, Index n, Index maxNew) {
  c.P = P;
  c.T = T;
  c.n = n;
  c.maxNew = maxNew;
  const Index prompts = c.layers * P * c.heads * promptSize(c), own = c.layers * P * n * c.heads * ownSize(c);
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
  free(c.memory);
  c.memory = nullptr;
  c.held = 0;
}

void attendPrompt(const KvCache& c, Index layer, Index head, Index p, const float* q, float* y, Index ldy) {
  const Index D = c.heads * c.Dh, L = c.lengths[p];
  float *keys = promptKeys(c, layer, p, head), *values = keys + tPad(c) * c.Dh;
  packPanels(L, c.Dh, q + D, 3 * D, true, keys);
  packPanels(c.Dh, L, q + 2 * D, 3 * D, false, values);
  attendHead(L, c.Dh, q, 3 * D, keys, values, y, ldy, nullptr, scratch(kTask1, attendScratch(L, c.Dh)));
}

void attendRows(const KvCache& c, Index layer, Index head, Index G, const int32_t* rows, const float* q, float* y, Index ldy) {
  const Index Dh = c.Dh, D = c.heads * Dh, p = rows[0] / c.n, L = c.lengths[p];
  const Index width = tPad(c) + newPad(c), pad = dPad(c);
  const float scale = attentionScale(Dh);
  Pieces pieces = {scratch(kTask1, G * (roundUp(Dh, 16) + width + pad) + 3 * 16)};
  float* scaled = pieces.take(G * Dh);
  float* s = pieces.take(G * width);
  float* o = pieces.take(G * pad);
  float inverse[kMostTogether];
  const float *keys = promptKeys(c, layer, p, head), *values = keys + tPad(c) * Dh;
  for (Index g = 0; g < G; g++) scaleRow(q + g * 3 * D, Dh, scale, scaled + g * Dh);
  const Index aheadPrompt = least(kAhead, promptSize(c)), aheadOwn = least(kAhead, ownSize(c));
  if (G == 1) dots(L, Dh, scaled, keys, aheadPrompt, s);
  else multiplyPanels(G, roundUp(L, NR), Dh, scaled, Dh, kRows, keys, Dh * NR, s, width, false);
  for (Index g = 0; g < G; g++) {
    float *ks = ownKeys(c, layer, rows[g], head), *vs = ks + newPad(c) * Dh;
    const Index at = c.added[rows[g]];
    const float* k = q + g * 3 * D + D;
    append(c, at, k, k + D, ks, vs);
    float* row = s + g * width;
    dots(at + 1, Dh, scaled + g * Dh, ks, aheadOwn, row + L);
    float m;
    inverse[g] = 1.f / rowSoftmaxPadded(row, L + at + 1, &m);
  }
  if (G == 1) {
    memset(o, 0, pad * sizeof(float));
    mix(L, Dh, s, values, L * NR, aheadPrompt, o);
  } else {
    multiplyPanels(G, pad, L, s, width, kRows, values, L * NR, o, pad, false);
  }
  for (Index g = 0; g < G; g++) {
    const float* vs = ownKeys(c, layer, rows[g], head) + newPad(c) * Dh;
    mix(c.added[rows[g]] + 1, Dh, s + g * width + L, vs, c.maxNew * NR, aheadOwn, o + g * pad);
    scaleRow(o + g * pad, Dh, inverse[g], y + g * ldy);
  }
}

} // namespace ILF_NS
} // namespace ilf
