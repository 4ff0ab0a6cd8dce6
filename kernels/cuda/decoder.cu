// Generation: prompts, then a token per row and step.
//
// What changes with a step is copied to the device (rows, uniform numbers), all layers and the sampler run, tokens and
// log-probabilities are copied back. The next step may be started before these are read: its rows find their tokens on the
// device, and the GPU need not wait for the host to look at them. The kernels of a step are one CUDA graph. All that changes
// is read from device memory, so there is a graph for a number of rows, padded to a few sizes, and for whether rows share
// prompts; it outlives the batch that it was captured in. Up to 8 rows, and up to 64 in bfloat16, a layer is five kernels,
// norms included (few_rows.cu, skinny.cu), about 60 a step; with more rows the library multiplies, seven kernels a layer. A
// step of GPT-2 124M reads 248 MB of weights: 80 µs at an H100's 3 TB/s, which at batch 1 is about what it takes to start 60
// kernels, so those overlap (overlap.h).
#include <string.h>

#include <algorithm>
#include <map>
#include <new>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "blas.h"
#include "model.h"
#include "ops.h"
#include "overlap.h"
#include "rotary.h"
#include "sample.h"
#include "switches.h"

namespace ilf::cuda {
namespace {

// What a step's kernels read besides its rows, which follow it.
struct StepHead {
  KvCache cache;
  Filters filters;
};
size_t stepBytes(Index R) { return sizeof(StepHead) + R * sizeof(StepRow); }
__host__ __device__ const StepRow* rowsOf(const unsigned char* step) {
  return reinterpret_cast<const StepRow*>(step + sizeof(StepHead));
}

struct Drawn {
  int32_t token;
  float logprob;
};

// Of a step of R rows, on the device.
struct Buffers {
  unsigned char* step; // StepHead, then [R] of StepRow
  Drawn* drawn;        // [R]
  Activations a;
  float* logits; // [R,paddedVocab]
  SplitKeys split;
};

// What a step's kernels depend on: its rows, padded, and how many of a prompt attend together at most.
typedef std::pair<Index, int> StepKind;

struct Graph {
  cudaGraphExec_t run = nullptr;
  int64_t ranAfter = -1; // timesAlgorithmsForgotten() when such a step last ran without a graph
};

// The host's side of a step that has been started. There are two, in turn.
struct Step {
  Pinned rows, drawn; // copies of buffers.step and .drawn
  cudaEvent_t done = nullptr;
  Index R = 0;
  ~Step() {
    if (done) cudaEventDestroy(done);
  }
};

struct Decoder {
  Model m;

  // Of the open batch.
  KvCache cache = {};
  float* promptLogits = nullptr;       // [P,paddedVocab] at each prompt's last token
  std::vector<int32_t> lengths, added; // of prompts, of rows: tokens
  std::vector<int32_t> places;         // of rows in the last step; −1: not there
  Memory cacheMemory;

  // For steps of up to so many rows, a padded number.
  Index mostRows = 0;
  Buffers buffers = {};
  Memory bufferMemory;
  Step steps[2];
  unsigned started = 0, read = 0; // steps
  std::map<StepKind, Graph> graphs;

  Decoder(Type type, const DecoderConfig& c, const ModelWeights& weights) : m(type, c, weights) {
    for (Step& step : steps) check(cudaEventCreateWithFlags(&step.done, cudaEventDisableTiming), "creating an event");
  }
  ~Decoder() {
    forgetSteps();
    forgetGraphs();
  }
  // Of steps that nobody will read; the host's memory of them may be in use until here.
  void forgetSteps() {
    cudaStreamSynchronize(stream());
    read = started;
  }
  void forgetGraphs() {
    for (auto& [kind, graph] : graphs)
      if (graph.run) cudaGraphExecDestroy(graph.run);
    graphs.clear();
  }
};

// Few sizes, so that few graphs are captured while rows end one after another.
Index paddedRows(Index R) {
  if (R <= kFewRows) {
    Index rows = 1;
    while (rows < R) rows *= 2;
    return rows;
  }
  const Index step = R <= 128 ? 16 : R <= 512 ? 64 : 256;
  return (R + step - 1) / step * step;
}

constexpr unsigned kRowThreads = 128; // of a block that does something to one row

// --- Prompts

// x [B,T,D] = wte[prompts[order]] + wpe, where a prompt has a token; zeros elsewhere. grid: B·T
template <class T>
__global__ void embedPrompts(int tokens, Index longest, int D, const int32_t* order, const int32_t* lengths,
                             const int32_t* prompts, const float* wte, const float* wpe, T* x) {
  const int prompt = order[blockIdx.x / tokens], t = blockIdx.x % tokens;
  const bool there = t < lengths[prompt];
  const float* token = wte + (there ? prompts[prompt * longest + t] : 0) * static_cast<Index>(D);
  const float* place = wpe ? wpe + static_cast<Index>(t) * D : nullptr;
  T* to = x + static_cast<Index>(blockIdx.x) * D;
  for (int j = threadIdx.x; j < D; j += blockDim.x)
    to[j] = fromFloat<T>(there ? token[j] + (place ? place[j] : 0.f) : 0.f);
}

// to [B,D] = the last tokens' rows of x [B,T,D]. grid: B
template <class T>
__global__ void takeLast(int tokens, int D, const int32_t* order, const int32_t* lengths, const T* x, T* to) {
  const Index b = blockIdx.x, from = b * tokens + lengths[order[b]] - 1;
  for (int j = threadIdx.x; j < D; j += blockDim.x) to[b * D + j] = x[from * D + j];
}

// to[order] = x [P,D]. grid: P
template <class T>
__global__ void scatter(int D, const int32_t* order, const T* x, T* to) {
  const Index p = blockIdx.x;
  for (int j = threadIdx.x; j < D; j += blockDim.x) to[static_cast<Index>(order[p]) * D + j] = x[p * D + j];
}

// Queries and keys of M rows by their positions, where those are rotary; see turnRows.
void turn(const Model& m, Index M, const StepRow* rows, Index tokens, void* qkv) {
  const DecoderConfig& c = m.c;
  if (c.rotation.pairs > 0)
    turnRows(m.type, M, c.heads + c.kvHeads, c.headDim, c.qkvWidth(), c.rotation, rows, tokens, qkv);
}

constexpr Index kPrefillTokens = 16384; // that run together: enough for products at full speed, activations under 1 GB

// B prompts, padded on the right to `tokens`: their keys and values, and what the layers make of their last tokens.
template <class T>
void prefillSome(Decoder& d, Index B, Index tokens, const int32_t* order, const int32_t* lengths, const int32_t* prompts,
                 T* last) {
  const Model& m = d.m;
  const Index D = m.c.width, M = B * tokens;
  const int length = static_cast<int>(tokens), width = static_cast<int>(D);
  Pieces counted = {nullptr};
  takeActivations(m, M, counted);
  const Temporary<unsigned char> memory(counted.used);
  Pieces pieces = {memory};
  Activations a = takeActivations(m, M, pieces);
  const Temporary<float> lse(M * m.c.heads);
  const Index mixed = m.c.mixedWidth(), ofK = m.c.kvHeads * m.c.headDim, ld = m.c.qkvWidth();
  const T* qkv = static_cast<const T*>(a.qkv);
  const Temporary<T> lastX(B * D), lastMixed(B * mixed);
  launch(embedPrompts<T>, static_cast<unsigned>(M), kRowThreads, 0, length, d.cache.longest, width, order, lengths, prompts,
         m.wte, m.wpe, static_cast<T*>(a.x));
  const auto onlyLast = [&](void*& x, Index row, T* to) {
    launch(takeLast<T>, static_cast<unsigned>(B), kRowThreads, 0, length, static_cast<int>(row), order, lengths,
           static_cast<T*>(x), to);
    x = to;
  };
  runLayers(m, M, a, [&](Index layer) {
    turn(m, M, nullptr, tokens, a.qkv);
    storePrompts(m.type, d.cache, m.heads, layer, B, tokens, order, lengths, a.qkv);
    attentionForward(m.type, B, tokens, m.c.heads, m.c.kvHeads, m.c.headDim, {qkv, ld}, {qkv + mixed, ld},
                     {qkv + mixed + ofK, ld}, a.mixed, lse);
    if (layer + 1 < m.c.layers) return M;
    onlyLast(a.x, D, lastX); // nothing else is needed of the last layer
    onlyLast(a.mixed, mixed, lastMixed);
    return B;
  });
  check(cudaMemcpyAsync(last, a.x, B * D * sizeof(T), cudaMemcpyDeviceToDevice, stream()), "copying");
}

// In the memory of the last batch where that is enough.
void openCache(Decoder& d, Index P, Index longest, const int32_t* lengths, Index n, Index maxNew) {
  const Model& m = d.m;
  const auto lay = [&](unsigned char* memory) {
    Pieces pieces = {memory};
    const Index token = m.c.layers * m.heads.perToken() * m.elementSize();
    d.cache = {P, longest, n, maxNew, nullptr, nullptr};
    d.cache.prompts = pieces.take(P * longest * token);
    d.cache.own = pieces.take(P * n * maxNew * token);
    d.promptLogits = pieces.take<float>(P * m.paddedVocab());
    return pieces.used;
  };
  d.cacheMemory.atLeast(lay(nullptr));
  lay(d.cacheMemory.data());
  d.lengths.assign(lengths, lengths + P);
  d.added.assign(P * n, 0);
  d.places.assign(P * n, -1);
}

// Buffers for steps of R rows.
void makeRoom(Decoder& d, Index R) {
  if (R <= d.mostRows) return;
  const auto lay = [&](unsigned char* memory) {
    Pieces pieces = {memory};
    d.buffers.step = pieces.take(stepBytes(R));
    d.buffers.drawn = pieces.take<Drawn>(R);
    d.buffers.a = takeActivations(d.m, R, pieces);
    d.buffers.logits = pieces.take<float>(R * d.m.paddedVocab());
    d.buffers.split.parts = reinterpret_cast<float*>(pieces.take(splitPartsBytes(d.m.heads)));
    d.buffers.split.done = reinterpret_cast<int32_t*>(pieces.take(splitDoneBytes()));
    return pieces.used;
  };
  d.forgetGraphs(); // they use the old ones
  d.mostRows = 0;
  d.bufferMemory.atLeast(lay(nullptr));
  lay(d.bufferMemory.data());
  fill(d.buffers.split.done, 0, splitDoneBytes());
  for (Step& step : d.steps) {
    step.rows.resize(stepBytes(R));
    step.drawn.resize(R * sizeof(Drawn));
  }
  d.mostRows = R;
}

// Prompts of similar lengths run together.
template <class T>
void prefill(Decoder& d, Index P, Index longest, const int32_t* prompts, const int32_t* lengths, Index n, Index maxNew) {
  d.forgetSteps();
  openCache(d, P, longest, lengths, n, maxNew);
  makeRoom(d, paddedRows(P * n));
  const Index D = d.m.c.width;
  std::vector<int32_t> order(P);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return lengths[a] > lengths[b]; });
  const auto promptsThere = uploaded(prompts, P * longest), lengthsThere = uploaded(lengths, P);
  const auto orderThere = uploaded(order.data(), P);
  const Temporary<T> last(P * D), ordered(P * D), normed(P * D);
  for (Index from = 0, to; from < P; from = to) {
    const Index tokens = lengths[order[from]];
    to = std::min(P, from + std::max<Index>(1, kPrefillTokens / tokens));
    prefillSome<T>(d, to - from, tokens, orderThere + from, lengthsThere, promptsThere, last + from * D);
  }
  launch(scatter<T>, static_cast<unsigned>(P), kRowThreads, 0, static_cast<int>(D), orderThere, last, ordered);
  logitsOf(d.m, P, ordered, normed, d.promptLogits);
}

// --- Steps

// x [R,D] = wte[token] + wpe[position]. drawn: by the last step. grid: R
template <class T>
__global__ void embedRows(int D, const StepRow* rows, const Drawn* drawn, const float* wte, const float* wpe, T* x) {
  const StepRow row = rows[blockIdx.x];
  letNextStart();
  if (row.row < 0) return;
  const float* token = wte + (row.drawn < 0 ? row.token : drawn[row.drawn].token) * static_cast<Index>(D);
  const float* place = wpe ? wpe + static_cast<Index>(row.length + row.added) * D : nullptr;
  T* to = x + static_cast<Index>(blockIdx.x) * D;
  for (int j = threadIdx.x; j < D; j += blockDim.x) to[j] = fromFloat<T>(token[j] + (place ? place[j] : 0.f));
}

// byPrompt: logits have a row for each prompt, else for each row. copied: into shared memory. grid: R
__global__ void __launch_bounds__(kSampleThreads, 1)
    sampleStep(int V, Index ld, const float* logits, bool byPrompt, bool copied, const unsigned char* step, Drawn* drawn) {
  waitForPrevious();
  const StepRow row = rowsOf(step)[blockIdx.x];
  if (row.row < 0) return;
  const Index at = byPrompt ? row.prompt : static_cast<Index>(blockIdx.x);
  sampleRow(V, logits + at * ld, reinterpret_cast<const StepHead*>(step)->filters, row.uniform,
            copied ? sharedMemory<float>() : nullptr, &drawn[blockIdx.x].token, &drawn[blockIdx.x].logprob);
}

void drawRows(const Model& m, Index R, const float* logits, bool byPrompt, const unsigned char* step, Drawn* drawn) {
  const size_t shared = sampleShared(m.c.vocab);
  launchEarly(sampleStep, static_cast<unsigned>(R), sampleThreads(m.c.vocab), shared, static_cast<int>(m.c.vocab),
              m.paddedVocab(), logits, byPrompt, shared > 0, step, drawn);
}

// One token more of every row, and the next one's draw.
void enqueueStep(const Decoder& d, StepKind kind) {
  const Index R = kind.first;
  const Model& m = d.m;
  const Buffers& b = d.buffers;
  const unsigned char* step = b.step;
  withType(m.type, [&](auto t) {
    typedef decltype(t) T;
    launch(embedRows<T>, static_cast<unsigned>(R), kRowThreads, 0, static_cast<int>(m.c.width), rowsOf(step), b.drawn,
           m.wte, m.wpe, static_cast<T*>(b.a.x));
  });
  runLayers(m, R, b.a, [&](Index layer) {
    const KvCache* cache = &reinterpret_cast<const StepHead*>(step)->cache;
    turn(m, R, rowsOf(step), 1, b.a.qkv);
    attendRows(m.type, cache, rowsOf(step), R, kind.second, m.heads, layer, b.split, b.a.qkv, b.a.mixed);
    return R;
  });
  logitsOf(m, R, b.a.x, b.a.normed, b.logits);
  drawRows(m, R, b.logits, false, step, b.drawn);
}

void capture(const Decoder& d, StepKind kind, Graph& graph) {
  cudaGraph_t captured = nullptr;
  check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed), "capturing a step");
  try {
    enqueueStep(d, kind);
  } catch (...) {
    cudaStreamEndCapture(stream(), &captured);
    if (captured) cudaGraphDestroy(captured);
    throw;
  }
  check(cudaStreamEndCapture(stream(), &captured), "capturing a step");
  const cudaError_t status = cudaGraphInstantiate(&graph.run, captured, 0);
  cudaGraphDestroy(captured);
  check(status, "making a step's graph");
}

// A kind of step that comes once is not worth a graph; and what is set up when it is first used (libraries, kernels that
// are loaded then, the library's algorithms) must not be captured.
void runStep(Decoder& d, StepKind kind) {
  if (!switches().graphs) return enqueueStep(d, kind);
  Graph& graph = d.graphs[kind];
  if (!graph.run && graph.ranAfter != timesAlgorithmsForgotten()) {
    graph.ranAfter = timesAlgorithmsForgotten();
    return enqueueStep(d, kind);
  }
  if (!graph.run) capture(d, kind, graph);
  check(cudaGraphLaunch(graph.run, stream()), "running a step");
}

// A step as the device reads it, with padding up to kind's rows. tokens: null where rows have what they drew last.
void fillStep(const Decoder& d, Index R, StepKind kind, const int32_t* rows, const int32_t* tokens, const float* uniform,
              const Filters& filters, unsigned char* step) {
  const StepHead head = {d.cache, filters};
  memcpy(step, &head, sizeof head);
  StepRow* out = const_cast<StepRow*>(rowsOf(step));
  const auto [padded, most] = kind;
  StepRow* first = nullptr;
  for (Index i = 0; i < R; i++) {
    const int32_t prompt = static_cast<int32_t>(rows[i] / d.cache.n);
    out[i] = {rows[i], prompt, d.lengths[prompt], d.added[rows[i]], tokens ? tokens[i] : 0, uniform[i], 0,
              tokens ? -1 : d.places[rows[i]]};
    if (!first || first->prompt != prompt || first->together == most) first = out + i;
    first->together++;
  }
  for (Index i = R; i < padded; i++) out[i] = {-1, 0, 0, 0, 0, 0, 0, 0};
}

// Of the first step rows may be given more than once; of others tokens may be null, see fillStep.
void start(Decoder& d, Index R, const int32_t* rows, const int32_t* tokens, bool first, const Filters& filters,
           const float* uniform) {
  const Index padded = paddedRows(R);
  makeRoom(d, padded);
  const StepKind kind = {padded, first ? 1 : togetherIn(d.cache, rows, R, padded, d.m.heads)};
  Step& step = d.steps[d.started % 2];
  const Buffers& b = d.buffers;
  fillStep(d, R, kind, rows, tokens, uniform, filters, step.rows.data());
  check(cudaMemcpyAsync(b.step, step.rows.data(), stepBytes(padded), cudaMemcpyHostToDevice, stream()), "copying a step");
  if (first) drawRows(d.m, padded, d.promptLogits, true, b.step, b.drawn);
  else runStep(d, kind);
  check(cudaMemcpyAsync(step.drawn.data(), b.drawn, R * sizeof(Drawn), cudaMemcpyDeviceToHost, stream()), "copying tokens");
  check(cudaEventRecord(step.done, stream()), "recording an event");
  step.R = R;
  d.started++;
  d.places.assign(d.places.size(), -1);
  for (Index i = 0; i < R; i++) {
    d.places[rows[i]] = static_cast<int32_t>(i);
    if (!first) d.added[rows[i]]++;
  }
}

void read(Decoder& d, int32_t* tokens, float* logprob) {
  const Step& step = d.steps[d.read % 2];
  check(cudaEventSynchronize(step.done), "waiting for a step");
  d.read++;
  const Drawn* drawn = reinterpret_cast<const Drawn*>(step.drawn.data());
  for (Index i = 0; i < step.R; i++) {
    tokens[i] = drawn[i].token;
    logprob[i] = drawn[i].logprob;
  }
}

} // namespace

void createDecoder(Type type, const DecoderConfig& c, const ModelWeights& weights, void** result) {
  *result = nullptr;
  if (!attends(type, c.headDim))
    throw std::runtime_error("decoder: heads are wider than the CUDA kernels for them are made for");
  try {
    *result = new Decoder(type, c, weights);
  } catch (const std::bad_alloc&) {
  }
}

// Graphs stay: the weights lie where they lay.
void renewDecoder(void* decoder, const ModelWeights& weights, bool* ok) {
  static_cast<Decoder*>(decoder)->m.renew(weights);
  *ok = true;
}

// Graphs stay: they find the cache by what a step says.
void closeBatch(void* decoder) {
  Decoder& d = *static_cast<Decoder*>(decoder);
  d.forgetSteps();
  d.cacheMemory.free();
}

void destroyDecoder(void* decoder) { delete static_cast<Decoder*>(decoder); }

void prefillDecoder(void* decoder, Index P, Index T, const int32_t* prompts, const int32_t* lengths, Index n, Index maxNew,
                    bool* ok) {
  Decoder& d = *static_cast<Decoder*>(decoder);
  try {
    withType(d.m.type, [&](auto t) { prefill<decltype(t)>(d, P, T, prompts, lengths, n, maxNew); });
    *ok = true;
  } catch (const std::bad_alloc&) {
    *ok = false;
  }
}

void startStep(void* decoder, Index R, const int32_t* rows, bool first, float temperature, Index topK, float topP,
               const float* uniform) {
  start(*static_cast<Decoder*>(decoder), R, rows, nullptr, first, {temperature, topP, topK}, uniform);
}

void readStep(void* decoder, int32_t* tokens, float* logprob) { read(*static_cast<Decoder*>(decoder), tokens, logprob); }

void stepDecoder(void* decoder, Index R, const int32_t* rows, const int32_t* previous, float temperature, Index topK,
                 float topP, const float* uniform, int32_t* tokens, float* logprob, float* logits) {
  Decoder& d = *static_cast<Decoder*>(decoder);
  start(d, R, rows, previous, !previous, {temperature, topP, topK}, uniform);
  read(d, tokens, logprob);
  const Index V = d.m.c.vocab, ld = d.m.paddedVocab();
  for (Index i = 0; logits && i < R; i++) {
    const float* row = previous ? d.buffers.logits + i * ld : d.promptLogits + rows[i] / d.cache.n * ld;
    download(logits + i * V, row, V * sizeof(float));
  }
}

} // namespace ilf::cuda
