// Generation with a GPT-2-shaped model: prompts, then a token per row and step, through the same layers. All rows go
// through a layer together, so that its weights are read once a step, each thread reading its columns of them. The
// products, norms and softmaxes are the training pass's own, in the same order of additions: the logits have the same bits
// as a forward pass over the finished text.
#include <stdlib.h>

#include "../runtime/memory.h"
#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "kv_cache.h"
#include "linear.h"
#include "norm.h"
#include "ops.h"
#include "pieces.h"
#include "sample.h"

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
  Type type; // of activations, of the products' operands, and of the cache
  DecoderConfig c;
  const float *wte, *wpe; // the caller's
  float* memory;          // what follows points into it
  Index held;             // floats of it
  Layer* layers;
  const float *lnGamma, *lnBeta;
  const float* head; // wte, packed as [D,V]
  KvCache cache;
};

// body(from, to) over [0, n): in the caller if all of it is little work, else over the pool.
constexpr Index kShared = 8192; // floats
constexpr Index kTasks = 4;     // of a thread, so that they even out
template <class F>
void inRanges(Index n, Index floatsEach, F body) {
  const Index tasks = n * floatsEach < kShared ? 1 : least(n, kTasks * poolThreads());
  parallelFor(tasks, [&](Index task) { body(task * n / tasks, (task + 1) * n / tasks); });
}

template <class T>
void embedRow(const Decoder& d, int32_t id, Index position, T* x) {
  const float *token = d.wte + id * d.c.width, *place = d.wpe + position * d.c.width;
  for (Index j = 0; j < d.c.width; j += VL) {
    const Index left = d.c.width - j;
    storeUpTo(x + j, loadUpTo(token + j, left) + loadUpTo(place + j, left), left);
  }
}

// Rows that products read lie this much further apart than they are long: a width of a power of two would put a tile's rows
// into the same few sets of the first-level cache.
constexpr Index kGap = 16;

// y's rows lie D + kGap apart.
template <class T>
void normRows(const Decoder& d, Index M, const T* x, const float* gamma, const float* beta, T* y) {
  const Index D = d.c.width;
  inRanges(M, D, [&](Index from, Index to) {
    for (Index i = from; i < to; i++) normRow(0, D, d.c.eps, x + i * D, gamma, beta, y + i * (D + kGap), nullptr, nullptr);
  });
}

// c [M,N] = x [M,K] times packed weights. What fits one block of rows is cut by columns only, evenly: a thread reads its
// part of the weights, once. Little work (a row through a small layer) stays in the caller.
template <class T, class U>
void multiply(Index M, Index N, Index K, const T* x, Index ldx, const float* packed, const Epilogue* e, U* c, Index ldc) {
  if (M > kRowBlock) return gemmPackedShared<T>(M, N, K, x, ldx, false, packed, c, ldc, false, e);
  const Index panels = (N + NR - 1) / NR, tasks = 2. * M * N * K < 1e6 ? 1 : least(panels, kTasks * poolThreads());
  parallelFor(tasks, [&](Index task) {
    const Index from = task * panels / tasks * NR, to = least(N, (task + 1) * panels / tasks * NR);
    multiplyColumns<T>(M, N, from, to - from, K, x, ldx, false, packed, c, ldc, false, e, 0);
  });
}

template <class T>
void apply(const Linear& l, Index M, Index N, Index K, const T* x, Index ldx, int act, const T* residual, T* y, Index ldy) {
  const LinearEpilogue<T> fused = {N, act, l.bias, residual, nullptr};
  const Epilogue e = linearEpilogue(&fused);
  multiply(M, N, K, x, ldx, l.packed, &e, y, ldy);
}

// Activations of M rows on their way through the layers. Products write where nothing they read lies: x and x2 alternate.
template <class T>
struct Activations {
  T *x, *x2;         // [M,D]
  T *normed, *mixed; // [M,D], rows kGap further apart
  T* qkv;            // [M,3D]
  T* inner;          // [M,I], rows kGap further apart
  Activations(const Decoder& d, Index M) {
    const Index D = d.c.width, I = d.c.inner;
    Pieces pieces = {scratch(kOp0, M * (7 * D + I + 3 * kGap) + 6 * 16)};
    const auto take = [&](Index n) { return reinterpret_cast<T*>(pieces.take(wordsOf<T>(n))); };
    x = take(M * D);
    x2 = take(M * D);
    normed = take(M * (D + kGap));
    mixed = take(M * (D + kGap));
    qkv = take(3 * M * D);
    inner = take(M * (I + kGap));
  }
};

// All layers. attend(layer) turns a.qkv into a.mixed and returns how many rows go on: those of a.x and a.mixed that come
// first.
template <class T, class Attend>
void runLayers(const Decoder& d, Index M, const Activations<T>& a, Attend attend) {
  const Index D = d.c.width, I = d.c.inner;
  for (Index i = 0; i < d.c.layers; i++) {
    const Layer& l = d.layers[i];
    normRows(d, M, a.x, l.ln1Gamma, l.ln1Beta, a.normed);
    apply<T>(l.qkv, M, 3 * D, D, a.normed, D + kGap, 0, nullptr, a.qkv, 3 * D);
    M = attend(i);
    apply<T>(l.proj, M, D, D, a.mixed, D + kGap, 0, a.x, a.x2, D);
    normRows(d, M, a.x2, l.ln2Gamma, l.ln2Beta, a.normed);
    apply<T>(l.fc, M, I, D, a.normed, D + kGap, 1, nullptr, a.inner, I + kGap);
    apply<T>(l.out, M, D, I, a.inner, I + kGap, 0, a.x2, a.x, D);
  }
}

template <class T>
void logitsOf(const Decoder& d, Index M, const T* x, T* normed, float* logits) {
  normRows(d, M, x, d.lnGamma, d.lnBeta, normed);
  multiply(M, d.c.vocab, d.c.width, normed, d.c.width + kGap, d.head, nullptr, logits, d.c.vocab);
}

// Prompts [p0, p1) as one matrix of M rows, without padding. Of the last layer only the prompts' last rows are finished:
// they come out in a.x.
template <class T>
void prefillSome(const Decoder& d, Index p0, Index p1, Index M, const int32_t* ids, const Activations<T>& a) {
  const KvCache& c = d.cache;
  const Index D = d.c.width, H = d.c.heads, count = p1 - p0;
  int32_t* first = reinterpret_cast<int32_t*>(scratch(kOp2, count + 1)); // row of each prompt's first token
  first[0] = 0;
  for (Index i = 0; i < count; i++) first[i + 1] = first[i] + c.lengths[p0 + i];
  inRanges(count, M / count * D, [&](Index from, Index to) {
    for (Index i = from; i < to; i++)
      for (Index t = 0; t < c.lengths[p0 + i]; t++)
        embedRow(d, ids[(p0 + i) * c.longest + t], t, a.x + (first[i] + t) * D);
  });
  runLayers(d, M, a, [&](Index layer) {
    inRanges(count * H, M / count * D, [&](Index from, Index to) {
      for (Index at = from; at < to; at++) {
        const Index i = at / H, h = at % H;
        const Index row = first[i];
        attendPrompt(c, layer, h, p0 + i, a.qkv + row * 3 * D + h * c.Dh, a.mixed + row * (D + kGap) + h * c.Dh, D + kGap);
      }
    });
    if (layer + 1 < d.c.layers) return M;
    for (Index i = 0; i < count; i++) {
      const Index last = first[i + 1] - 1;
      memmove(a.x + i * D, a.x + last * D, D * sizeof(T));
      memmove(a.mixed + i * (D + kGap), a.mixed + last * (D + kGap), D * sizeof(T));
    }
    return count;
  });
}

// Rows of the prompts that are run together: enough for products at full speed, few enough that activations stay in the
// last-level cache.
constexpr Index kPrefillRows = 512;

// The layers over one token more of every row: a.x.
template <class T>
void advance(const Decoder& d, Index R, const int32_t* rows, const int32_t* tokens, const Activations<T>& a) {
  const KvCache& c = d.cache;
  const Index D = d.c.width, H = d.c.heads;
  // Neighbours of one prompt attend together.
  int32_t* starts = reinterpret_cast<int32_t*>(scratch(kOp2, R + 1));
  Index groups = 0, seen = 0;
  for (Index i = 0; i < R; i++) {
    embedRow(d, tokens[i], c.lengths[rows[i] / c.n] + c.added[rows[i]], a.x + i * D);
    seen += c.lengths[rows[i] / c.n] + c.added[rows[i]];
    if (i == 0 || rows[i] / c.n != rows[i - 1] / c.n || i - starts[groups - 1] == kMostTogether)
      starts[groups++] = static_cast<int32_t>(i);
  }
  starts[groups] = static_cast<int32_t>(R);
  runLayers(d, R, a, [&](Index layer) {
    inRanges(groups * H, 2 * seen / groups * c.Dh, [&](Index from, Index to) {
      for (Index at = from; at < to; at++) {
        const Index i = starts[at / H], h = at % H;
        attendRows(c, layer, h, starts[at / H + 1] - i, rows + i, a.qkv + i * 3 * D + h * c.Dh,
                   a.mixed + i * (D + kGap) + h * c.Dh, D + kGap);
      }
    });
    return R;
  });
}

template <class T>
void packWeights(Decoder& d, const float* const* weights) {
  const Index D = d.c.width, I = d.c.inner;
  Pieces pieces = {d.memory};
  const float* const* next = weights;
  const auto copy = [&](Index n) {
    float* to = pieces.take(n);
    memcpy(to, *next++, n * sizeof(float));
    return to;
  };
  const auto linear = [&](Index K, Index N) {
    float* packed = pieces.take(packedSize<T>(N, K));
    packBShared<T>(N, K, *next++, N, false, packed);
    const float* bias = copy(N);
    return Linear{packed, bias};
  };
  d.wte = *next++;
  d.wpe = *next++;
  for (Index i = 0; i < d.c.layers; i++) {
    Layer& l = d.layers[i];
    l.ln1Gamma = copy(D);
    l.ln1Beta = copy(D);
    l.qkv = linear(D, 3 * D);
    l.proj = linear(D, D);
    l.ln2Gamma = copy(D);
    l.ln2Beta = copy(D);
    l.fc = linear(D, I);
    l.out = linear(I, D);
  }
  d.lnGamma = copy(D);
  d.lnBeta = copy(D);
  float* head = pieces.take(packedSize<T>(d.c.vocab, D));
  packBShared<T>(d.c.vocab, D, d.wte, D, true, head);
  d.head = head;
}

template <class T>
Index weightsSize(const DecoderConfig& c) {
  const Index D = c.width, I = c.inner;
  const Index layer =
      packedSize<T>(3 * D, D) + packedSize<T>(D, D) + packedSize<T>(I, D) + packedSize<T>(D, I) + 9 * D + I + 12 * 16;
  return c.layers * layer + packedSize<T>(c.vocab, D) + 2 * D + 64;
}

template <class T>
bool prefill(Decoder& d, Index P, Index longest, const int32_t* prompts, const int32_t* lengths, Index n, Index maxNew) {
  if (!openCache<T>(d.cache, P, longest, lengths, n, maxNew)) return false;
  const Index D = d.c.width;
  T* last = reinterpret_cast<T*>(scratch(kOp1, wordsOf<T>(P * (2 * D + kGap))));
  for (Index from = 0, to; from < P; from = to) {
    Index M = lengths[from];
    for (to = from + 1; to < P && M + lengths[to] <= kPrefillRows; to++) M += lengths[to];
    const Activations<T> a(d, M);
    prefillSome(d, from, to, M, prompts, a);
    memcpy(last + from * D, a.x, (to - from) * D * sizeof(T));
  }
  logitsOf(d, P, last, last + P * D, d.cache.logits);
  return true;
}

} // namespace

void createDecoder(Type type, const DecoderConfig& c, const float* const* weights, void** result) {
  *result = nullptr;
  Decoder* d = static_cast<Decoder*>(calloc(1, sizeof(Decoder)));
  if (!d) return;
  d->type = type;
  d->c = c;
  d->cache.layers = c.layers;
  d->cache.heads = c.heads;
  d->cache.Dh = c.width / c.heads;
  d->cache.vocab = c.vocab;
  d->layers = static_cast<Layer*>(malloc(c.layers * sizeof(Layer)));
  d->memory = allocateFloats(type == kFloat32 ? weightsSize<float>(c) : weightsSize<bf16>(c), &d->held);
  if (!d->layers || !d->memory) return destroyDecoder(d);
  withType(type, [&](auto t) { packWeights<decltype(t)>(*d, weights); });
  *result = d;
}

void destroyDecoder(void* decoder) {
  Decoder* d = static_cast<Decoder*>(decoder);
  closeCache(d->cache);
  freeFloats(d->memory, d->held);
  free(d->layers);
  free(d);
}

void prefillDecoder(void* decoder, Index P, Index T, const int32_t* prompts, const int32_t* lengths, Index n, Index maxNew,
                    bool* ok) {
  Decoder& d = *static_cast<Decoder*>(decoder);
  withType(d.type, [&](auto t) { *ok = prefill<decltype(t)>(d, P, T, prompts, lengths, n, maxNew); });
}

void stepDecoder(void* decoder, Index R, const int32_t* rows, const int32_t* previous, float temperature, Index topK,
                 float topP, const float* uniform, int32_t* tokens, float* logprob, float* logits) {
  Decoder& d = *static_cast<Decoder*>(decoder);
  KvCache& c = d.cache;
  const Index V = d.c.vocab;
  if (previous) {
    if (!logits) logits = scratch(kOp1, R * V);
    withType(d.type, [&](auto t) {
      const Activations<decltype(t)> a(d, R);
      advance(d, R, rows, previous, a);
      logitsOf(d, R, a.x, a.normed, logits);
    });
    for (Index i = 0; i < R; i++) c.added[rows[i]]++;
  } else if (logits) {
    for (Index i = 0; i < R; i++) memcpy(logits + i * V, c.logits + rows[i] / c.n * V, V * sizeof(float));
  }
  const Filters filters = {temperature, topK, topP};
  inRanges(R, V, [&](Index from, Index to) {
    for (Index i = from; i < to; i++)
      sampleRow(V, previous ? logits + i * V : c.logits + rows[i] / c.n * V, filters, uniform[i], tokens + i, logprob + i);
  });
}

} // namespace ILF_NS
} // namespace ilf
