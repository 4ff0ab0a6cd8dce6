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
void append(Index Dh, Index at, const float* k, const float* v, float* keys, float* values) {
  float* panel = keys + at / NR * Dh * NR;
  // Columns that hold no key yet are multiplied too; let them be zeros, not whatever the memory held.
  if (at % NR == 0) memset(panel, 0, Dh * NR * sizeof(float));
  for (Index j = 0; j < Dh; j++) panel[j * NR + at % NR] = k[j];
  memcpy(values + at * roundUp(Dh, NR), v, Dh * sizeof(float));
}

// sums[NR] += weights[t] · rows[t], in the order of t.
ILF_INLINE void addRows(Index count, const float* weights, const float* rows, Index ld, float* sums) {
  Vec s[NRV];
  for (int v = 0; v < NRV; v++) s[v] = load(sums + v * VL);
  for (Index t = 0; t < count; t++)
#pragma GCC unroll 4
    for (int v = 0; v < NRV; v++) s[v] += weights[t] * load(rows + t * ld + v * VL);
  for (int v = 0; v < NRV; v++) store(sums + v * VL, s[v]);
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

void attendPrompt(const KvCache& c, Index layer, Index head, Index p, const float* q, float* y) {
  const Index D = c.heads * c.Dh, L = c.lengths[p];
  float *keys = promptKeys(c, layer, p, head), *values = keys + tPad(c) * c.Dh;
  packPanels(L, c.Dh, q + D, 3 * D, true, keys);
  packPanels(c.Dh, L, q + 2 * D, 3 * D, false, values);
  attendHead(L, c.Dh, q, 3 * D, keys, values, y, D, nullptr, scratch(kTask1, attendScratch(L, c.Dh)));
}

void attendRows(const KvCache& c, Index layer, Index head, Index G, const int32_t* rows, const float* q, float* y) {
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
  multiplyPanels(G, roundUp(L, NR), Dh, scaled, Dh, kRows, keys, Dh * NR, s, width, false);
  for (Index g = 0; g < G; g++) {
    float *ks = ownKeys(c, layer, rows[g], head), *vs = ks + newPad(c) * Dh;
    const Index at = c.added[rows[g]];
    const float* k = q + g * 3 * D + D;
    append(Dh, at, k, k + D, ks, vs);
    float* row = s + g * width;
    multiplyPanels(1, roundUp(at + 1, NR), Dh, scaled + g * Dh, Dh, kRows, ks, Dh * NR, row + L, width, false);
    float m;
    inverse[g] = 1.f / rowSoftmaxPadded(row, L + at + 1, &m);
  }
  multiplyPanels(G, pad, L, s, width, kRows, values, L * NR, o, pad, false);
  for (Index g = 0; g < G; g++) {
    const float *vs = ownKeys(c, layer, rows[g], head) + newPad(c) * Dh, *weights = s + g * width + L;
    float* og = o + g * pad;
    for (Index j = 0; j < pad; j += NR) addRows(c.added[rows[g]] + 1, weights, vs + j, pad, og + j);
    scaleRow(og, Dh, inverse[g], y + g * D);
  }
}

} // namespace ILF_NS
} // namespace ilf
