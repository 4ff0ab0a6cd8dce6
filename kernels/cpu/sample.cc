// Sampling of one token per row: temperature, top-k, top-p, then the inverse of the cumulative distribution in token
// order. Filters as in Hugging Face: ties with the k-th largest logit stay; a token stays while those above it have less
// than topP of the probability.
#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "ops.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {
namespace {

// Restores a heap (root first) under `at`; before(a, b): a belongs above b.
template <class T, class Before>
void sift(T* heap, Index n, Index at, Before before) {
  for (Index child; (child = 2 * at + 1) < n; at = child) {
    if (child + 1 < n && before(heap[child + 1], heap[child])) child++;
    if (!before(heap[child], heap[at])) return;
    const T t = heap[at];
    heap[at] = heap[child];
    heap[child] = t;
  }
}

// The k-th largest of x: a heap of the k largest so far, smallest on top.
float kthLargest(const float* x, Index n, Index k, float* heap) {
  const auto smaller = [](float a, float b) { return a < b; };
  memcpy(heap, x, k * sizeof(float));
  for (Index i = k / 2; i-- > 0;) sift(heap, k, i, smaller);
  for (Index i = k; i < n; i++)
    if (x[i] > heap[0]) {
      heap[0] = x[i];
      sift(heap, k, 0, smaller);
    }
  return heap[0];
}

// Zeroes the probabilities that top-p leaves out: takes the largest from a heap until they have topP of the sum.
void keepTop(float* p, Index n, float topP, int32_t* heap, float* kept) {
  Index count = 0;
  double total = 0;
  for (Index i = 0; i < n; i++)
    if (p[i] > 0) {
      heap[count++] = static_cast<int32_t>(i);
      total += p[i];
    }
  const auto larger = [p](int32_t a, int32_t b) { return p[a] > p[b] || (p[a] == p[b] && a < b); };
  for (Index i = count / 2; i-- > 0;) sift(heap, count, i, larger);
  memset(kept, 0, n * sizeof(float));
  double sum = 0;
  do {
    if (count == 0) break;
    kept[heap[0]] = p[heap[0]];
    sum += p[heap[0]];
    heap[0] = heap[--count];
    sift(heap, count, 0, larger);
  } while (sum < topP * total);
  memcpy(p, kept, n * sizeof(float));
}

int32_t draw(Index V, const float* logits, float temperature, Index topK, float topP, float uniform) {
  Index best = 0;
  for (Index i = 1; i < V; i++)
    if (logits[i] > logits[best]) best = i;
  if (temperature == 0) return static_cast<int32_t>(best);
  float *p = scratch(kTask0, 3 * V + VL), *work = p + roundUp(V, VL);
  int32_t* heap = reinterpret_cast<int32_t*>(work + V);
  const float inverse = 1.f / temperature;
  for (Index i = 0; i < V; i++) p[i] = (logits[i] - logits[best]) * inverse;
  if (topK > 0 && topK < V) {
    const float least = kthLargest(p, V, topK, work);
    for (Index i = 0; i < V; i++)
      if (p[i] < least) p[i] = -3.0e38f;
  }
  float top; // is 0: the best token is never filtered out
  rowSoftmaxPadded(p, V, 1.f, &top);
  if (topP < 1) keepTop(p, V, topP, heap, work);
  double total = 0;
  for (Index i = 0; i < V; i++) total += p[i];
  const double wanted = uniform * total;
  double sum = 0;
  Index last = best;
  for (Index i = 0; i < V; i++) {
    if (!(p[i] > 0)) continue;
    sum += p[i];
    last = i;
    if (sum > wanted) break;
  }
  return static_cast<int32_t>(last);
}

} // namespace

void sample(Index B, Index V, const float* logits, float temperature, Index topK, float topP, const float* uniform,
            int32_t* tokens, float* logprob) {
  const auto row = [&](Index b) {
    const float* x = logits + b * V;
    tokens[b] = draw(V, x, temperature, topK, topP, uniform[b]);
    logprob[b] = x[tokens[b]] - rowLogSumExp(x, V);
  };
  if (B * V < 16384)
    for (Index b = 0; b < B; b++) row(b);
  else parallelFor(B, row);
}

} // namespace ILF_NS
} // namespace ilf
