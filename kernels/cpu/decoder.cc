// Generation: prompts, then a token per row and step, through the same layers. All rows go
// through a layer together, so that its weights are read once a step, each thread reading its columns of them. The
// products, norms and softmaxes are the training pass's own, in the same order of additions: the logits have the same bits
// as a forward pass over the finished text.
#include <stdlib.h>

#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "glu.h"
#include "kv_cache.h"
#include "linear.h"
#include "model.h"
#include "norm.h"
#include "ops.h"
#include "pieces.h"
#include "rotary.h"
#include "sample.h"

namespace ilf {
namespace ILF_NS {
namespace {

struct Decoder : Model {
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
  const float *token = d.wte + id * d.c.width, *place = d.wpe ? d.wpe + position * d.c.width : nullptr;
  for (Index j = 0; j < d.c.width; j += VL) {
    const Index left = d.c.width - j;
    const Vec of = loadUpTo(token + j, left);
    storeUpTo(x + j, place ? of + loadUpTo(place + j, left) : of, left);
  }
}

// Rows that products read lie this much further apart than they are long: a width of a power of two would put a tile's rows
// into the same few sets of the first-level cache.
constexpr Index kGap = 16;

// y's rows lie D + kGap apart.
template <class T>
void normRows(const Decoder& d, Index M, const T* x, const Norm& n, T* y) {
  const Index D = d.c.width;
  inRanges(M, D, [&](Index from, Index to) {
    for (Index i = from; i < to; i++)
      normRow(d.c.norm, D, d.c.eps, x + i * D, n.gamma, n.beta, y + i * (D + kGap), nullptr, nullptr);
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
void apply(const Linear& l, Index M, const T* x, Index ldx, int act, const T* residual, T* y, Index ldy) {
  const LinearEpilogue<T> fused = {l.N, act, l.bias, residual, nullptr};
  const Epilogue e = linearEpilogue(&fused);
  multiply(M, l.N, l.K, x, ldx, l.packed, e.apply ? &e : nullptr, y, ldy);
}

// Activations of M rows on their way through the layers. Products write where nothing they read lies: x and x2 alternate.
template <class T>
struct Activations {
  T *x, *x2;              // [M,D]
  T *normed, *mixed;      // [M,D], [M,mixedWidth], rows kGap further apart
  T* qkv;                 // [M,qkvWidth]
  T* inner;               // [M,I], rows kGap further apart
  T* gates;               // [M,2I] where the MLP is gated
  float *cosines, *sines; // [M,pairs], of what turns by the rows' positions
  Activations(const Decoder& d, Index M) {
    const Index D = d.c.width, I = d.c.inner, gates2 = d.gated ? 2 * I : 0, pairs = d.c.rotation.pairs;
    const Index row = 3 * D + d.c.mixedWidth() + d.c.qkvWidth() + I + gates2 + 3 * kGap + 2 * pairs;
    Pieces pieces = {scratch(kOp0, M * row + 9 * 16)};
    const auto take = [&](Index n) { return reinterpret_cast<T*>(pieces.take(wordsOf<T>(n))); };
    x = take(M * D);
    x2 = take(M * D);
    normed = take(M * (D + kGap));
    mixed = take(M * (d.c.mixedWidth() + kGap));
    qkv = take(M * d.c.qkvWidth());
    inner = take(M * (I + kGap));
    gates = take(M * gates2);
    cosines = pieces.take(M * pairs);
    sines = pieces.take(M * pairs);
  }
};

// Where head `head` of keys and values of rows from `row` on is to be found.
template <class T>
Projected<T> projected(const Decoder& d, const Activations<T>& a, Index row, Index head) {
  const Index Dh = d.c.headDim, ld = d.c.qkvWidth();
  const T *q = a.qkv + row * ld, *k = q + d.c.mixedWidth() + head * Dh;
  return {q + head * d.c.group() * Dh, k, k + d.c.kvHeads * Dh, ld};
}
template <class T>
T* mixedOf(const Decoder& d, const Activations<T>& a, Index row, Index head) {
  return a.mixed + row * (d.c.mixedWidth() + kGap) + head * d.c.group() * d.c.headDim;
}

// The angles of row i of a at a position, once for all layers.
template <class T>
void setPosition(const Decoder& d, const Activations<T>& a, Index i, Index position) {
  const Index pairs = d.c.rotation.pairs;
  if (pairs > 0) angles(d.c.rotation, static_cast<int32_t>(position), false, a.cosines + i * pairs, a.sines + i * pairs);
}

template <class T>
void turnRows(const Decoder& d, Index M, const Activations<T>& a) {
  const Index W = d.c.qkvWidth(), Dh = d.c.headDim, turned = d.c.heads + d.c.kvHeads, pairs = d.c.rotation.pairs;
  inRanges(M, W, [&](Index from, Index to) {
    for (Index i = from; i < to; i++)
      turnRow(d.c.rotation, turned, turned, Dh, a.cosines + i * pairs, a.sines + i * pairs, a.qkv + i * W, a.qkv + i * W);
  });
}

template <class T>
void gateRows(const Decoder& d, Index M, const Activations<T>& a) {
  const Index I = d.c.inner;
  inRanges(M, 2 * I, [&](Index from, Index to) {
    for (Index i = from; i < to; i++)
      gluRow(d.c.act, I, a.gates + i * 2 * I, a.gates + i * 2 * I + I, a.inner + i * (I + kGap));
  });
}

// All layers. attend(layer) turns a.qkv into a.mixed and returns how many rows go on: those of a.x and a.mixed that come
// first.
template <class T, class Attend>
void runLayers(const Decoder& d, Index M, const Activations<T>& a, Attend attend) {
  const Index D = d.c.width, I = d.c.inner;
  for (Index i = 0; i < d.c.layers; i++) {
    const Layer& l = d.layers[i];
    normRows(d, M, a.x, l.norm1, a.normed);
    apply<T>(l.qkv, M, a.normed, D + kGap, 0, nullptr, a.qkv, l.qkv.N);
    if (d.c.rotation.pairs > 0) turnRows(d, M, a);
    M = attend(i);
    apply<T>(l.out, M, a.mixed, l.out.K + kGap, 0, a.x, a.x2, D);
    normRows(d, M, a.x2, l.norm2, a.normed);
    if (d.gated) {
      apply<T>(l.up, M, a.normed, D + kGap, 0, nullptr, a.gates, 2 * I);
      gateRows(d, M, a);
    } else {
      apply<T>(l.up, M, a.normed, D + kGap, d.c.act, nullptr, a.inner, I + kGap);
    }
    apply<T>(l.down, M, a.inner, I + kGap, 0, a.x2, a.x, D);
  }
}

template <class T>
void logitsOf(const Decoder& d, Index M, const T* x, T* normed, float* logits) {
  normRows(d, M, x, d.norm, normed);
  multiply(M, d.c.vocab, d.c.width, normed, d.c.width + kGap, d.head, nullptr, logits, d.c.vocab);
}

// Prompts [p0, p1) as one matrix of M rows, without padding. Of the last layer only the prompts' last rows are finished:
// they come out in a.x.
template <class T>
void prefillSome(const Decoder& d, Index p0, Index p1, Index M, const int32_t* ids, const Activations<T>& a) {
  const KvCache& c = d.cache;
  const Index D = d.c.width, Q = d.c.mixedWidth(), H = d.c.kvHeads, count = p1 - p0;
  int32_t* first = reinterpret_cast<int32_t*>(scratch(kOp2, count + 1)); // row of each prompt's first token
  first[0] = 0;
  for (Index i = 0; i < count; i++) first[i + 1] = first[i] + c.lengths[p0 + i];
  inRanges(count, M / count * D, [&](Index from, Index to) {
    for (Index i = from; i < to; i++)
      for (Index t = 0; t < c.lengths[p0 + i]; t++) {
        embedRow(d, ids[(p0 + i) * c.longest + t], t, a.x + (first[i] + t) * D);
        setPosition(d, a, first[i] + t, t);
      }
  });
  runLayers(d, M, a, [&](Index layer) {
    inRanges(count * H, M / count * D, [&](Index from, Index to) {
      for (Index at = from; at < to; at++) {
        const Index i = at / H, h = at % H;
        attendPrompt(c, layer, h, p0 + i, projected(d, a, first[i], h), mixedOf(d, a, first[i], h), Q + kGap);
      }
    });
    if (layer + 1 < d.c.layers) return M;
    for (Index i = 0; i < count; i++) {
      const Index last = first[i + 1] - 1;
      memmove(a.x + i * D, a.x + last * D, D * sizeof(T));
      memmove(a.mixed + i * (Q + kGap), a.mixed + last * (Q + kGap), Q * sizeof(T));
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
  const Index D = d.c.width, Q = d.c.mixedWidth(), H = d.c.kvHeads;
  // Neighbours of one prompt attend together.
  int32_t* starts = reinterpret_cast<int32_t*>(scratch(kOp2, R + 1));
  Index groups = 0, seen = 0;
  for (Index i = 0; i < R; i++) {
    const Index position = c.lengths[rows[i] / c.n] + c.added[rows[i]];
    embedRow(d, tokens[i], position, a.x + i * D);
    setPosition(d, a, i, position);
    seen += position;
    if (i == 0 || rows[i] / c.n != rows[i - 1] / c.n || i - starts[groups - 1] == mostTogether(c))
      starts[groups++] = static_cast<int32_t>(i);
  }
  starts[groups] = static_cast<int32_t>(R);
  runLayers(d, R, a, [&](Index layer) {
    inRanges(groups * H, 2 * seen / groups * c.Dh, [&](Index from, Index to) {
      for (Index at = from; at < to; at++) {
        const Index i = starts[at / H], h = at % H;
        attendRows(c, layer, h, starts[at / H + 1] - i, rows + i, projected(d, a, i, h), mixedOf(d, a, i, h), Q + kGap);
      }
    });
    return R;
  });
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

void createDecoder(Type type, const DecoderConfig& c, const ModelWeights& weights, void** result) {
  *result = nullptr;
  Decoder* d = static_cast<Decoder*>(calloc(1, sizeof(Decoder)));
  if (!d) return;
  if (!openModel(*d, type, c, weights)) return destroyDecoder(d);
  d->cache.layers = c.layers;
  d->cache.heads = c.kvHeads;
  d->cache.group = c.group();
  d->cache.Dh = c.headDim;
  d->cache.vocab = c.vocab;
  *result = d;
}

void renewDecoder(void* decoder, const ModelWeights& weights, bool* ok) {
  *ok = renewModel(*static_cast<Decoder*>(decoder), weights);
}

void closeBatch(void* decoder) { closeCache(static_cast<Decoder*>(decoder)->cache); }

void destroyDecoder(void* decoder) {
  Decoder* d = static_cast<Decoder*>(decoder);
  closeCache(d->cache);
  closeModel(*d);
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
