// Generation with a GPT-2-shaped model. A prompt's keys and values are computed and stored once; each of its rows adds its
// own. Prefill runs a task per prompt, a step a task per group of rows, and a task runs the whole model for its rows: no
// hand-over between layers. The products, norms and softmaxes are the training pass's own, in the same order of
// additions, so the logits have the same bits as a forward pass over the finished text.
#include <stdlib.h>

#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "attention.h"
#include "linear.h"
#include "norm.h"
#include "ops.h"
#include "pieces.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {
namespace {

struct Linear {
  const float* packed; // K x N
  const float* bias;   // [N]
};

struct Layer {
  const float *ln1Gamma, *ln1Beta; // [D]
  Linear qkv, proj;                // [D,3D], [D,D]
  const float *ln2Gamma, *ln2Beta; // [D]
  Linear fc, out;                  // [D,I], [I,D]
};

struct Decoder {
  DecoderConfig c;
  Index Dh, dPad;
  const float *wte, *wpe; // the caller's
  float* memory;          // what follows points into it
  Layer* layers;
  const float *lnGamma, *lnBeta;
  const float* head; // wte, packed as [D,V]

  Index P, T, n, maxNew; // the open batch
  Index tPad, newPad;    // T and maxNew in whole panels
  int32_t *lengths;      // [P]
  int32_t *added;        // [P·n] tokens that each row has got
  float* prompts;        // [P][layer][head]: keys tPad·Dh (panels), values T·dPad (panels of all T)
  float* own;            // [P·n][layer][head]: keys newPad·Dh (panels), values maxNew·dPad (rows)
};

// Keys and values of one prompt's, one row's head.
float* promptKeys(const Decoder& d, Index p, Index layer, Index h) {
  return d.prompts + ((p * d.c.layers + layer) * d.c.heads + h) * (d.tPad * d.Dh + d.T * d.dPad);
}
float* ownKeys(const Decoder& d, Index row, Index layer, Index h) {
  return d.own + ((row * d.c.layers + layer) * d.c.heads + h) * (d.newPad * d.Dh + d.maxNew * d.dPad);
}

float* floatsOrNull(Index count) {
  void* p = nullptr;
  return posix_memalign(&p, 64, (count + 16) * sizeof(float)) == 0 ? static_cast<float*>(p) : nullptr;
}

void embedRow(const Decoder& d, int32_t id, Index position, float* x) {
  const float *token = d.wte + id * d.c.width, *place = d.wpe + position * d.c.width;
  for (Index j = 0; j < d.c.width; j += VL) {
    const Index left = d.c.width - j;
    storeUpTo(x + j, loadUpTo(token + j, left) + loadUpTo(place + j, left), left);
  }
}

void normRows(const Decoder& d, Index M, const float* x, const float* gamma, const float* beta, float* y) {
  for (Index i = 0; i < M; i++)
    normRow(0, d.c.width, d.c.eps, x + i * d.c.width, gamma, beta, y + i * d.c.width, nullptr, nullptr);
}

void apply(const Linear& l, Index M, Index N, Index K, const float* x, int act, const float* residual, float* y) {
  const LinearEpilogue<float> fused = {N, act, l.bias, residual, nullptr};
  const Epilogue e = linearEpilogue(&fused);
  gemmPacked(M, N, K, x, K, false, l.packed, y, N, false, &e);
}

// Activations of M rows on their way through the layers. Products write where nothing they read lies: x and x2 alternate.
struct Activations {
  float *x, *x2, *normed, *qkv, *mixed, *inner;
  static Index size(const Decoder& d, Index M) { return M * (8 * d.c.width + d.c.inner) + 256; }
  Activations(const Decoder& d, Index M, Pieces& pieces)
      : x(pieces.take(M * d.c.width)), x2(pieces.take(M * d.c.width)), normed(pieces.take(M * d.c.width)),
        qkv(pieces.take(3 * M * d.c.width)), mixed(pieces.take(M * d.c.width)), inner(pieces.take(M * d.c.inner)) {}
};

// All layers; attend(layer) turns a.qkv into a.mixed.
template <class Attend>
void runLayers(const Decoder& d, Index M, const Activations& a, Attend attend) {
  const Index D = d.c.width, I = d.c.inner;
  for (Index i = 0; i < d.c.layers; i++) {
    const Layer& l = d.layers[i];
    normRows(d, M, a.x, l.ln1Gamma, l.ln1Beta, a.normed);
    apply(l.qkv, M, 3 * D, D, a.normed, 0, nullptr, a.qkv);
    attend(i);
    apply(l.proj, M, D, D, a.mixed, 0, a.x, a.x2);
    normRows(d, M, a.x2, l.ln2Gamma, l.ln2Beta, a.normed);
    apply(l.fc, M, I, D, a.normed, 1, nullptr, a.inner);
    apply(l.out, M, D, I, a.inner, 0, a.x2, a.x);
  }
}

void logitsOf(const Decoder& d, Index M, const float* x, float* normed, float* logits) {
  normRows(d, M, x, d.lnGamma, d.lnBeta, normed);
  gemmPacked(M, d.c.vocab, d.c.width, normed, d.c.width, false, d.head, logits, d.c.vocab, false);
}

void prefillPrompt(const Decoder& d, Index p, const int32_t* ids, float* logits) {
  const Index D = d.c.width, M = d.lengths[p];
  Pieces pieces = {scratch(kTask1, Activations::size(d, M) + attendScratch(M, d.Dh) + 64)};
  const Activations a(d, M, pieces);
  float* work = pieces.at;
  for (Index t = 0; t < M; t++) embedRow(d, ids[t], t, a.x + t * D);
  runLayers(d, M, a, [&](Index layer) {
    for (Index h = 0; h < d.c.heads; h++) {
      const float* q = a.qkv + h * d.Dh;
      float *keys = promptKeys(d, p, layer, h), *values = keys + d.tPad * d.Dh;
      packPanels(M, d.Dh, q + D, 3 * D, true, keys);
      packPanels(d.Dh, M, q + 2 * D, 3 * D, false, values); // panels of M rows, not of T
      attendHead(M, d.Dh, q, 3 * D, keys, values, a.mixed + h * d.Dh, D, nullptr, work);
    }
  });
  logitsOf(d, 1, a.x + (M - 1) * D, a.normed, logits);
}

// Attention of G rows of one prompt: together over the prompt's keys, each by itself over its own. q and y are rows 3D and
// D apart.
void attendRows(const Decoder& d, Index G, const int32_t* rows, Index layer, Index h, const float* q, float* y,
                float* work) {
  const Index D = d.c.width, Dh = d.Dh, dPad = d.dPad, p = rows[0] / d.n, L = d.lengths[p];
  const Index width = d.tPad + d.newPad;
  const float scale = attentionScale(Dh);
  Pieces pieces = {work};
  float* scaled = pieces.take(G * Dh);
  float* s = pieces.take(G * width);
  float* o = pieces.take(G * dPad);
  float* fresh = pieces.take(d.newPad);
  const float *keys = promptKeys(d, p, layer, h), *values = keys + d.tPad * Dh;
  for (Index g = 0; g < G; g++) scaleRow(q + g * 3 * D, Dh, 1.f, scaled + g * Dh);
  multiplyPanels(G, roundUp(L, NR), Dh, scaled, Dh, kRows, keys, Dh * NR, s, width, false);
  for (Index g = 0; g < G; g++) {
    float *ks = ownKeys(d, rows[g], layer, h), *vs = ks + d.newPad * Dh;
    const Index at = d.added[rows[g]], valid = L + at + 1;
    const float *k = q + g * 3 * D + D, *v = k + D;
    float* column = ks + at / NR * Dh * NR + at % NR;
    for (Index j = 0; j < Dh; j++) column[j * NR] = k[j];
    memcpy(vs + at * dPad, v, Dh * sizeof(float));
    float* row = s + g * width;
    multiplyPanels(1, roundUp(at + 1, NR), Dh, scaled + g * Dh, Dh, kRows, ks, Dh * NR, fresh, d.newPad, false);
    memcpy(row + L, fresh, (at + 1) * sizeof(float));
    float m;
    scaled[g * Dh] = rowSoftmaxPadded(row, valid, scale, &m); // the scaled query is no longer needed
  }
  multiplyPanels(G, dPad, L, s, width, kRows, values, L * NR, o, dPad, false);
  for (Index g = 0; g < G; g++) {
    const float* vs = ownKeys(d, rows[g], layer, h) + d.newPad * Dh;
    const float* weights = s + g * width + L;
    const Index count = d.added[rows[g]] + 1;
    float* og = o + g * dPad;
    for (Index j = 0; j < Dh; j += VL) {
      Vec sum = load(og + j);
      for (Index t = 0; t < count; t++) sum += weights[t] * load(vs + t * dPad + j);
      store(og + j, sum);
    }
    scaleRow(og, Dh, 1.f / scaled[g * Dh], y + g * D);
  }
}

void stepRows(const Decoder& d, Index M, const int32_t* rows, const int32_t* tokens, float* logits) {
  const Index D = d.c.width;
  const Index work = M * (roundUp(d.Dh, 16) + d.tPad + d.newPad + d.dPad) + d.newPad + 256;
  Pieces pieces = {scratch(kTask1, Activations::size(d, M) + work)};
  const Activations a(d, M, pieces);
  for (Index i = 0; i < M; i++)
    embedRow(d, tokens[i], d.lengths[rows[i] / d.n] + d.added[rows[i]], a.x + i * D);
  runLayers(d, M, a, [&](Index layer) {
    for (Index i = 0, G; i < M; i += G) {
      for (G = 1; i + G < M && rows[i + G] / d.n == rows[i] / d.n;) G++;
      for (Index h = 0; h < d.c.heads; h++)
        attendRows(d, G, rows + i, layer, h, a.qkv + i * 3 * D + h * d.Dh, a.mixed + i * D + h * d.Dh, pieces.at);
    }
  });
  logitsOf(d, M, a.x, a.normed, logits);
}

void closeBatch(Decoder& d) {
  free(d.lengths);
  free(d.added);
  free(d.prompts);
  free(d.own);
  d.lengths = d.added = nullptr;
  d.prompts = d.own = nullptr;
}

} // namespace

void createDecoder(const DecoderConfig& c, const float* const* weights, void** result) {
  *result = nullptr;
  Decoder* d = static_cast<Decoder*>(calloc(1, sizeof(Decoder)));
  if (!d) return;
  d->c = c;
  d->Dh = c.width / c.heads;
  d->dPad = roundUp(d->Dh, NR);
  const Index D = c.width, I = c.inner;
  const Index layer = packedSize(3 * D, D) + packedSize(D, D) + packedSize(I, D) + packedSize(D, I) + 9 * D + I + 12 * 16;
  d->layers = static_cast<Layer*>(malloc(c.layers * sizeof(Layer)));
  d->memory = floatsOrNull(c.layers * layer + packedSize(c.vocab, D) + 2 * D + 64);
  if (!d->layers || !d->memory) return destroyDecoder(d);
  Pieces pieces = {d->memory};
  const float* const* next = weights;
  const auto copy = [&](Index n) {
    float* to = pieces.take(n);
    memcpy(to, *next++, n * sizeof(float));
    return to;
  };
  const auto linear = [&](Index K, Index N) {
    float* packed = pieces.take(packedSize(N, K));
    packBShared(N, K, *next++, N, false, packed);
    const float* bias = copy(N);
    return Linear{packed, bias};
  };
  d->wte = *next++;
  d->wpe = *next++;
  for (Index i = 0; i < c.layers; i++) {
    Layer& l = d->layers[i];
    l.ln1Gamma = copy(D);
    l.ln1Beta = copy(D);
    l.qkv = linear(D, 3 * D);
    l.proj = linear(D, D);
    l.ln2Gamma = copy(D);
    l.ln2Beta = copy(D);
    l.fc = linear(D, I);
    l.out = linear(I, D);
  }
  d->lnGamma = copy(D);
  d->lnBeta = copy(D);
  float* head = pieces.take(packedSize(c.vocab, D));
  packBShared(c.vocab, D, d->wte, D, true, head);
  d->head = head;
  *result = d;
}

void destroyDecoder(void* decoder) {
  Decoder* d = static_cast<Decoder*>(decoder);
  closeBatch(*d);
  free(d->memory);
  free(d->layers);
  free(d);
}

void prefillDecoder(void* decoder, Index P, Index T, const int32_t* prompts, const int32_t* lengths, Index n, Index maxNew,
                    float* logits, bool* ok) {
  Decoder& d = *static_cast<Decoder*>(decoder);
  closeBatch(d);
  d.P = P;
  d.T = T;
  d.n = n;
  d.maxNew = maxNew;
  d.tPad = roundUp(T, NR);
  d.newPad = roundUp(maxNew, NR);
  const Index heads = d.c.layers * d.c.heads;
  d.lengths = static_cast<int32_t*>(malloc(P * sizeof(int32_t)));
  d.added = static_cast<int32_t*>(calloc(P * n, sizeof(int32_t)));
  d.prompts = floatsOrNull(P * heads * (d.tPad * d.Dh + T * d.dPad));
  const Index own = P * n * heads * (d.newPad * d.Dh + maxNew * d.dPad);
  d.own = floatsOrNull(own);
  *ok = d.lengths && d.added && d.prompts && d.own;
  if (!*ok) return closeBatch(d);
  // Lanes of a panel that hold no key yet are multiplied too; let them be zeros, not whatever the memory held.
  memset(d.own, 0, own * sizeof(float));
  memcpy(d.lengths, lengths, P * sizeof(int32_t));
  parallelFor(P, [&](Index p) { prefillPrompt(d, p, prompts + p * T, logits + p * d.c.vocab); });
}

void stepDecoder(void* decoder, Index R, const int32_t* rows, const int32_t* tokens, float* logits) {
  Decoder& d = *static_cast<Decoder*>(decoder);
  // As many groups as threads, of whole register tiles: each group reads all the weights.
  const Index each = most(MR, least(8 * MR, roundUp((R + poolThreads() - 1) / poolThreads(), MR)));
  parallelFor((R + each - 1) / each, [&](Index task) {
    const Index from = task * each;
    stepRows(d, least(each, R - from), rows + from, tokens + from, logits + from * d.c.vocab);
  });
  for (Index i = 0; i < R; i++) d.added[rows[i]]++;
}

} // namespace ILF_NS
} // namespace ilf
