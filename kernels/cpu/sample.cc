// Sampling of one token per row: temperature, top-k, top-p, then the inverse of the cumulative distribution in token
// order. Filters as in Hugging Face: ties with the k-th largest logit stay; a token stays while those above it have less
// than topP of the probability (of equal ones, those of lower index are above).
//
// Everything is whole passes of vectors over the row. Neither filter sorts: what it needs is the least value that stays,
// and bisection finds that in about log₂ V passes.
#include "sample.h"

#include "../runtime/pool.h"
#include "../runtime/scratch.h"
#include "ops.h"
#include "pieces.h"
#include "softmax.h"

namespace ilf {
namespace ILF_NS {
namespace {

constexpr Index kPart = 128; // elements summed in float; parts are summed in double

// Floats in order as integers in order, and back.
int32_t keyOf(float x) {
  int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}
float valueOf(int32_t key) {
  key ^= (key >> 31) & 0x7fffffff;
  float x;
  memcpy(&x, &key, sizeof x);
  return x;
}

ILF_INLINE Vec vmin(Vec a, Vec b) { return a < b ? a : b; }

struct Split {
  double above;      // Σ of what is above a value
  float next, below; // the least element above it, the largest that is not
};

// x [n] is padded to whole vectors with what is not above `at`. Counted: an element counts 1, else its value.
template <bool Counted>
Split splitAt(const float* x, Index n, float at) {
  Split s = {};
  Vec next = splat(INFINITY), below = splat(-INFINITY);
  for (Index from = 0; from < n; from += 4 * kPart) {
    Vec sum = {};
    const Index to = least(n, from + 4 * kPart);
    for (Index i = from; i < to; i += VL) {
      const Vec v = load(x + i);
      sum += v > at ? (Counted ? splat(1) : v) : Vec{};
      next = vmin(next, v > at ? v : splat(INFINITY));
      below = vmax(below, v > at ? splat(-INFINITY) : v);
    }
    s.above += sumLanes(sum);
  }
  s.next = -maxLanes(-next);
  s.below = maxLanes(below);
  return s;
}

// The least element v for which what is above it comes to less than `wanted`; the largest, `high`, always qualifies. No
// such element is below `low`. *above: what is above v.
template <bool Counted>
float leastKept(const float* x, Index n, float low, float high, double wanted, double* above) {
  *above = 0;
  // Each probe moves a bound to an element; the middle is that of the bit patterns, so 33 probes would do without that.
  for (int probes = 0; low < high && probes < 40; probes++) {
    const int64_t middle = (static_cast<int64_t>(keyOf(low)) + keyOf(high)) >> 1;
    const Split s = splitAt<Counted>(x, n, valueOf(static_cast<int32_t>(middle)));
    if (s.above < wanted) {
      high = s.below;
      *above = s.above;
    } else {
      low = s.next;
    }
  }
  return high;
}

// The first index of the largest logit, `top`.
Index indexOf(const float* x, Index n, float top) {
  for (Index i = 0; i < n; i++)
    if (x[i] == top) return i;
  return 0;
}

struct Work {
  float* p;    // [V] rounded up to vectors
  float* sums; // of parts of p
  Index V;
};

// Zeroes what top-p leaves out of p, whose largest is 1.
void keepTop(const Work& w, double total, float topP) {
  const double wanted = topP * total;
  // Elements below this have less than 1 − topP of the sum even together.
  const float low = static_cast<float>((1. - topP) * total / static_cast<double>(w.V) * 0.999);
  double above;
  const float v = leastKept<false>(w.p, w.V, low, 1, wanted, &above);
  if (!(v > 0 && total > 0)) return;
  Vec equal = {};
  for (Index i = 0; i < w.V; i += VL) {
    const Vec x = load(w.p + i);
    equal += x == v ? splat(1) : Vec{};
    store(w.p + i, x >= v ? x : Vec{});
  }
  // Of the elements equal to v, only so many stay.
  Index ties = most(1, static_cast<Index>(ceil((wanted - above) / v)));
  if (sumLanes(equal) <= ties) return;
  for (Index i = 0; i < w.V; i++)
    if (w.p[i] == v && ties-- <= 0) w.p[i] = 0;
}

double sumParts(const Work& w) {
  double total = 0;
  for (Index from = 0; from < w.V; from += kPart) {
    Vec sum = {};
    for (Index i = from; i < least(w.V, from + kPart); i += VL) sum += load(w.p + i);
    total += w.sums[from / kPart] = sumLanes(sum);
  }
  return total;
}

// The token at which the running sum passes `wanted`; the last possible one if rounding keeps it below; −1 where none is
// possible.
Index invert(const Work& w, double wanted) {
  double sum = 0, before = 0;
  Index part = -1;
  for (Index i = 0; i * kPart < w.V; i++) {
    if (!(w.sums[i] > 0)) continue;
    part = i;
    before = sum;
    sum += w.sums[i];
    if (sum > wanted) break;
  }
  Index last = -1;
  for (Index i = part * kPart; part >= 0 && i < least(w.V, (part + 1) * kPart); i++) {
    if (!(w.p[i] > 0)) continue;
    before += w.p[i];
    last = i;
    if (before > wanted) break;
  }
  return last;
}

Index draw(Index V, const float* x, const Filters& f, float uniform) {
  Vec high = splat(-INFINITY);
  for (Index i = 0; i < V; i += VL) high = vmax(high, loadUpTo(x + i, V - i, -INFINITY));
  const float top = maxLanes(high);
  if (f.temperature == 0) return indexOf(x, V, top);
  Pieces pieces = {scratch(kTask0, V + V / kPart + 4 * 16)};
  const Work w = {pieces.take(V), pieces.take(V / kPart + 1), V};
  float kept = -INFINITY;
  if (f.topK > 0 && f.topK < V) {
    for (Index i = 0; i < V; i += VL) store(w.p + i, loadUpTo(x + i, V - i, -INFINITY));
    double above;
    kept = leastKept<true>(w.p, V, -INFINITY, top, static_cast<double>(f.topK), &above);
  }
  const float inverse = 1.f / f.temperature;
  for (Index i = 0; i < V; i += VL) {
    const Vec v = loadUpTo(x + i, V - i, -INFINITY);
    store(w.p + i, v >= kept ? vexpBounded((v - top) * inverse) : Vec{});
  }
  double total = sumParts(w);
  if (f.topP < 1) {
    keepTop(w, total, f.topP);
    total = sumParts(w);
  }
  const Index token = invert(w, uniform * total);
  return token >= 0 ? token : indexOf(x, V, top); // no number is usable, or only infinitely low ones
}

} // namespace

void sampleRow(Index V, const float* logits, const Filters& f, float uniform, int32_t* token, float* logprob) {
  *token = static_cast<int32_t>(draw(V, logits, f, uniform));
  *logprob = logits[*token] - rowLogSumExp(logits, V);
}

void sample(Index B, Index V, const float* logits, float temperature, Index topK, float topP, const float* uniform,
            int32_t* tokens, float* logprob) {
  const Filters f = {temperature, topK, topP};
  const auto row = [&](Index b) { sampleRow(V, logits + b * V, f, uniform[b], tokens + b, logprob + b); };
  if (B * V < 16384)
    for (Index b = 0; b < B; b++) row(b);
  else parallelFor(B, row);
}

} // namespace ILF_NS
} // namespace ilf
