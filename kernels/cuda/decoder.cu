// Generation with a GPT-2-shaped model: prompts, then a token per row and step.
//
// A step is one upload (rows, tokens, uniform numbers), one CUDA graph of all layers and the sampler, and one download
// (tokens and log-probabilities): the host waits once. The graph reads everything that changes from device memory, so there
// is one for a number of rows, padded to a few sizes, and it outlives the batch that it was captured in. Up to 8 rows a layer
// is five kernels, norms included (few_rows.cu): about 60 a step; at more rows products run on tensor cores, seven kernels a
// layer. At batch 1 a step of GPT-2 124M reads 248 MB of weights, 80 µs at an H100's 3 TB/s; starting 60 kernels in a graph
// takes about as long again.
#include <string.h>

#include <algorithm>
#include <map>
#include <new>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "blas.h"
#include "few_rows.h"
#include "kv_cache.h"
#include "ops.h"
#include "overlap.h"
#include "sample.h"

namespace ilf::cuda {
namespace {

// Device memory that grows as it must. Owns it.
class Memory {
 public:
  Memory() = default;
  ~Memory() { release(data_); }
  Memory(const Memory&) = delete;
  // False where it held as much already; what was in it is lost where not. Throws std::bad_alloc, and is empty then.
  bool atLeast(size_t bytes) {
    if (bytes <= bytes_) return false;
    release(data_);
    data_ = nullptr;
    bytes_ = 0;
    data_ = static_cast<unsigned char*>(allocate(bytes));
    bytes_ = bytes;
    return true;
  }
  unsigned char* data() const { return data_; }

 private:
  unsigned char* data_ = nullptr;
  size_t bytes_ = 0;
};

// Memory of the host that the device copies from and to without the CPU.
class Pinned {
 public:
  Pinned() = default;
  ~Pinned() { free(); }
  Pinned(const Pinned&) = delete;
  void resize(size_t bytes) {
    free();
    check(cudaMallocHost(&data_, bytes), "pinned memory");
  }
  unsigned char* data() const { return static_cast<unsigned char*>(data_); }

 private:
  void free() {
    if (data_) cudaFreeHost(data_);
    data_ = nullptr;
  }
  void* data_ = nullptr;
};

// Parts of a piece of memory, one after another; from null it only counts.
struct Pieces {
  unsigned char* at;
  size_t used = 0;
  template <class T = unsigned char>
  T* take(Index n) {
    unsigned char* piece = at ? at + used : nullptr;
    used += (n * sizeof(T) + 255) / 256 * 256;
    return reinterpret_cast<T*>(piece);
  }
};

// What a step's kernels read besides its rows.
struct StepHead {
  KvCache cache;
  Filters filters;
};

struct Drawn {
  int32_t token;
  float logprob;
};

struct Layer {
  const float *ln1Gamma, *ln1Beta; // [D]
  Weights qkv, proj;               // [3D,D], [D,D]
  const float *ln2Gamma, *ln2Beta; // [D]
  Weights fc, out;                 // [I,D], [D,I]
};

// A step's buffers; rows as many as the open batch has, padded.
struct Buffers {
  unsigned char* step; // StepHead, then [R] of StepRow, as uploaded
  Drawn* drawn;        // [R]
  void *x, *x2;        // [R,D]
  void *normed, *mixed; // [R,D]
  void* qkv;           // [R,3D]
  void* inner;         // [R,I]
  float* logits;       // [R,paddedVocab]
  SplitKeys split;
};

struct Graph {
  cudaGraphExec_t run = nullptr;
  int uses = 0;
};

struct Decoder {
  Type type;
  DecoderConfig c;
  Heads heads;
  Memory weights;
  std::vector<Layer> layers;
  const float *wte, *wpe; // [V,D], [positions,D]
  const float *lnGamma, *lnBeta;
  Weights head; // [paddedVocab,D]: wte, then zeros

  KvCache cache = {};
  Memory cacheMemory;
  float* promptLogits = nullptr;       // [P,paddedVocab] at each prompt's last token
  std::vector<int32_t> lengths, added; // of prompts, of rows: tokens
  Index mostRows = 0;
  Memory stepMemory;
  Buffers buffers = {};
  Pinned stepOnHost, drawnOnHost; // copies of buffers.step and .drawn
  std::map<Index, Graph> graphs;  // by padded number of rows

  Index elementSize() const { return type == kFloat32 ? 4 : 2; }
  void forgetGraphs() {
    for (auto& [rows, graph] : graphs)
      if (graph.run) cudaGraphExecDestroy(graph.run);
    graphs.clear();
  }
  ~Decoder() { forgetGraphs(); }
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

// --- Weights

constexpr int kTile = 32;

// to [N,ld] = w [K,N] transposed and rounded, padded with zeros. Blocks of 32 x 8 threads: tiles of 32 x 32.
template <class T>
__global__ void transpose(Index K, Index N, Index ld, const float* w, T* to) {
  __shared__ float tile[kTile][kTile + 1];
  const Index n0 = static_cast<Index>(blockIdx.x) * kTile, k0 = static_cast<Index>(blockIdx.y) * kTile;
  for (Index i = threadIdx.y; i < kTile; i += blockDim.y)
    tile[i][threadIdx.x] = k0 + i < K && n0 + threadIdx.x < N ? w[(k0 + i) * N + n0 + threadIdx.x] : 0.f;
  __syncthreads();
  for (Index i = threadIdx.y; i < kTile; i += blockDim.y)
    if (n0 + i < N && k0 + threadIdx.x < ld) to[(n0 + i) * ld + k0 + threadIdx.x] = fromFloat<T>(tile[threadIdx.x][i]);
}

// to [rows,ld] = w [N,K] rounded, padded with zeros on both sides.
template <class T>
__global__ void pad(Index N, Index K, Index rows, Index ld, const float* w, T* to) {
  for (Index at = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; at < rows * ld; at += static_cast<Index>(gridDim.x) * blockDim.x) {
    const Index n = at / ld, k = at % ld;
    to[at] = fromFloat<T>(n < N && k < K ? w[n * K + k] : 0.f);
  }
}

template <class T>
void padded(Index N, Index K, Index rows, Index ld, const float* w, T* to) {
  launch(pad<T>, std::min(blocksFor(rows * ld, 256), 8192u), 256, 0, N, K, rows, ld, w, to);
}

// Lays out the weights and, where there is memory, copies them.
template <class T>
size_t takeWeights(Decoder& d, const float* const* weights, unsigned char* memory) {
  const Index D = d.c.width, I = d.c.inner, V = d.c.vocab;
  Pieces pieces = {memory};
  const float* const* next = weights;
  const auto copy = [&](Index n) {
    float* to = pieces.take<float>(n);
    if (memory) check(cudaMemcpyAsync(to, *next, n * sizeof(float), cudaMemcpyDeviceToDevice, stream()), "copying weights");
    next++;
    return to;
  };
  const auto linear = [&](Index K, Index N) {
    const Index ld = paddedWidth(K);
    T* w = pieces.take<T>(N * ld);
    if (memory)
      launch(transpose<T>, dim3(blocksFor(N, kTile), blocksFor(ld, kTile)), dim3(kTile, 8), 0, K, N, ld, *next, w);
    next++;
    const float* bias = copy(N);
    bf16* bias16 = nullptr;
    if (d.type == kBfloat16) {
      bias16 = pieces.take<bf16>(N);
      if (memory) padded(1, N, 1, N, bias, bias16);
    }
    return Weights{N, K, ld, w, bias, bias16};
  };
  d.wte = copy(V * D);
  d.wpe = copy(d.c.positions * D);
  for (Layer& l : d.layers) {
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
  // Rows of logits that begin at multiples of 256 bytes.
  const Index rows = (V + 63) / 64 * 64, ld = paddedWidth(D);
  T* head = pieces.take<T>(rows * ld);
  if (memory) padded(V, D, rows, ld, d.wte, head);
  d.head = {rows, D, ld, head, nullptr, nullptr};
  return pieces.used;
}

// --- Layers

// y [M,N] = act(x w + bias) + residual.
void linear(const Decoder& d, Index M, const Weights& w, const void* x, int act, const void* residual, void* y, bool floats = false) {
  Product p = {M, w.N, w.K, x, w.w, y};
  p.transB = true;
  p.ldb = w.ld;
  p.operands = d.type;
  p.result = floats ? kFloat32 : d.type;
  p.bias = w.bias;
  p.bias16 = w.bias16;
  p.act = act;
  p.residual = residual;
  multiply(p);
}

// The same of norm(x), where gamma is not null.
void normedLinear(const Decoder& d, Index M, const Weights& w, const float* gamma, const float* beta, const void* x, void* normed,
                  int act, const void* residual, void* y, bool floats = false) {
  if (isFewRows(d.type, M, w.K)) {
    FewRows f = {M, x, w};
    f.gamma = gamma;
    f.beta = beta;
    f.eps = d.c.eps;
    f.act = act;
    f.residual = residual;
    f.y = y;
    f.floats = floats;
    fewRows(d.type, f);
    return;
  }
  if (gamma) normRows(d.type, M, d.c.width, d.c.eps, x, gamma, beta, normed);
  linear(d, M, w, gamma ? normed : x, act, residual, y, floats);
}

// All layers. attend(layer) turns qkv into mixed and returns how many rows go on; x and x2 alternate, as products write where
// nothing that they read lies.
template <class Attend>
void runLayers(const Decoder& d, Index M, const Buffers& b, Attend attend) {
  for (Index i = 0; i < d.c.layers; i++) {
    const Layer& l = d.layers[i];
    normedLinear(d, M, l.qkv, l.ln1Gamma, l.ln1Beta, b.x, b.normed, 0, nullptr, b.qkv);
    M = attend(i);
    normedLinear(d, M, l.proj, nullptr, nullptr, b.mixed, nullptr, 0, b.x, b.x2);
    normedLinear(d, M, l.fc, l.ln2Gamma, l.ln2Beta, b.x2, b.normed, 1, nullptr, b.inner);
    normedLinear(d, M, l.out, nullptr, nullptr, b.inner, nullptr, 0, b.x2, b.x);
  }
}

void logitsOf(const Decoder& d, Index M, const void* x, void* normed, float* logits) {
  normedLinear(d, M, d.head, d.lnGamma, d.lnBeta, x, normed, 0, nullptr, logits, true);
}

size_t stepBytes(Index R) { return sizeof(StepHead) + R * sizeof(StepRow); }

Buffers takeBuffers(const Decoder& d, Index R, Pieces& pieces) {
  const Index D = d.c.width, size = d.elementSize();
  Buffers b;
  b.step = pieces.take(stepBytes(R));
  b.drawn = pieces.take<Drawn>(R);
  b.x = pieces.take(R * D * size);
  b.x2 = pieces.take(R * D * size);
  b.normed = pieces.take(R * D * size);
  b.mixed = pieces.take(R * D * size);
  b.qkv = pieces.take(3 * R * D * size);
  b.inner = pieces.take(R * d.c.inner * size);
  b.logits = pieces.take<float>(R * d.head.N);
  b.split.parts = reinterpret_cast<float*>(pieces.take(splitPartsBytes(d.heads)));
  b.split.done = reinterpret_cast<int32_t*>(pieces.take(splitDoneBytes()));
  return b;
}

// --- Prompts

// x [B,T,D] = wte[prompts[order]] + wpe, where a prompt has a token; zeros elsewhere. grid: B·T
template <class T>
__global__ void embedPrompts(int tokens, Index longest, int D, const int32_t* order, const int32_t* lengths, const int32_t* prompts,
                             const float* wte, const float* wpe, T* x) {
  const int prompt = order[blockIdx.x / tokens], t = blockIdx.x % tokens;
  const bool there = t < lengths[prompt];
  const float* token = wte + (there ? prompts[prompt * longest + t] : 0) * static_cast<Index>(D);
  T* to = x + static_cast<Index>(blockIdx.x) * D;
  for (int j = threadIdx.x; j < D; j += blockDim.x)
    to[j] = fromFloat<T>(there ? token[j] + wpe[static_cast<Index>(t) * D + j] : 0.f);
}

// The last tokens' rows of x [B,T,D]: to [B,D], or, scattered, to[order[b]].
template <class T>
__global__ void takeLast(int tokens, int D, const int32_t* order, const int32_t* lengths, const T* x, T* to) {
  const Index from = static_cast<Index>(blockIdx.x) * tokens + lengths[order[blockIdx.x]] - 1;
  for (int j = threadIdx.x; j < D; j += blockDim.x) to[static_cast<Index>(blockIdx.x) * D + j] = x[from * D + j];
}

constexpr unsigned kRowThreads = 128;
constexpr Index kPrefillTokens = 16384; // that run together: enough for products at full speed, activations under 1 GB

// Prompts of similar lengths together, padded to the longest of them.
template <class T>
void prefillSome(Decoder& d, Index B, Index tokens, const int32_t* order, const int32_t* lengths, const int32_t* prompts, T* last) {
  const Index D = d.c.width, H = d.c.heads, M = B * tokens;
  Temporary<T> x(M * D), x2(M * D), normed(M * D), mixed(M * D), qkv(3 * M * D), inner(M * d.c.inner);
  Temporary<float> lse(M * H);
  Temporary<T> lastX(B * D), lastMixed(B * D);
  launch(embedPrompts<T>, static_cast<unsigned>(M), kRowThreads, 0, static_cast<int>(tokens), d.cache.longest, static_cast<int>(D),
         order, lengths, prompts, d.wte, d.wpe, x);
  Buffers b = {};
  b.x = x;
  b.x2 = x2;
  b.normed = normed;
  b.mixed = mixed;
  b.qkv = qkv;
  b.inner = inner;
  const auto onlyLast = [&](const T* from, T* to) {
    launch(takeLast<T>, static_cast<unsigned>(B), kRowThreads, 0, static_cast<int>(tokens), static_cast<int>(D), order, lengths, from, to);
  };
  runLayers(d, M, b, [&](Index layer) {
    storePrompts(d.type, d.cache, d.heads, layer, B, tokens, order, lengths, b.qkv);
    attentionForward(d.type, B, tokens, H, D / H, b.qkv, b.mixed, lse);
    if (layer + 1 < d.c.layers) return M;
    onlyLast(x, lastX); // nothing else is needed of the last layer
    onlyLast(mixed, lastMixed);
    b.x = lastX;
    b.mixed = lastMixed;
    return B;
  });
  check(cudaMemcpyAsync(last, b.x, B * D * sizeof(T), cudaMemcpyDeviceToDevice, stream()), "copying");
}

template <class T>
__global__ void scatter(int D, const int32_t* order, const T* x, T* to) {
  for (int j = threadIdx.x; j < D; j += blockDim.x)
    to[static_cast<Index>(order[blockIdx.x]) * D + j] = x[static_cast<Index>(blockIdx.x) * D + j];
}

void openCache(Decoder& d, Index P, Index longest, const int32_t* lengths, Index n, Index maxNew) {
  const auto lay = [&](unsigned char* memory) {
    Pieces pieces = {memory};
    const Index token = d.heads.perToken() * d.c.layers * d.elementSize();
    d.cache = {P, longest, n, maxNew, nullptr, nullptr};
    d.cache.prompts = pieces.take(P * longest * token);
    d.cache.own = pieces.take(P * n * maxNew * token);
    d.promptLogits = pieces.take<float>(P * d.head.N);
    return pieces.used;
  };
  d.cacheMemory.atLeast(lay(nullptr));
  lay(d.cacheMemory.data());
  d.lengths.assign(lengths, lengths + P);
  d.added.assign(P * n, 0);
  const Index rows = paddedRows(P * n);
  if (rows <= d.mostRows) return;
  d.forgetGraphs();
  d.mostRows = 0;
  Pieces counted = {nullptr};
  takeBuffers(d, rows, counted);
  d.stepMemory.atLeast(counted.used);
  Pieces pieces = {d.stepMemory.data()};
  d.buffers = takeBuffers(d, rows, pieces);
  fill(d.buffers.split.done, 0, splitDoneBytes());
  d.stepOnHost.resize(stepBytes(rows));
  d.drawnOnHost.resize(rows * sizeof(Drawn));
  d.mostRows = rows;
}

template <class T>
void prefill(Decoder& d, Index P, Index longest, const int32_t* prompts, const int32_t* lengths, Index n, Index maxNew) {
  openCache(d, P, longest, lengths, n, maxNew);
  const Index D = d.c.width;
  std::vector<int32_t> order(P);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return lengths[a] > lengths[b]; });
  const auto onDevice = uploaded(prompts, P * longest), orderThere = uploaded(order.data(), P), lengthsThere = uploaded(lengths, P);
  Temporary<T> last(P * D), ordered(P * D), normed(P * D);
  for (Index from = 0, to; from < P; from = to) {
    const Index tokens = lengths[order[from]];
    to = std::min(P, from + std::max<Index>(1, kPrefillTokens / tokens));
    prefillSome<T>(d, to - from, tokens, orderThere + from, lengthsThere, onDevice, last + from * D);
  }
  launch(scatter<T>, static_cast<unsigned>(P), kRowThreads, 0, static_cast<int>(D), orderThere, last, ordered);
  logitsOf(d, P, ordered, normed, d.promptLogits);
}

// --- Steps

template <class T>
__global__ void embedRows(int D, const StepRow* rows, const float* wte, const float* wpe, T* x) {
  const StepRow row = rows[blockIdx.x];
  letNextStart();
  if (row.row < 0) return;
  const float *token = wte + row.token * static_cast<Index>(D), *place = wpe + static_cast<Index>(row.length + row.added) * D;
  for (int j = threadIdx.x; j < D; j += blockDim.x) x[static_cast<Index>(blockIdx.x) * D + j] = fromFloat<T>(token[j] + place[j]);
}

// byPrompt: a row of logits for each prompt, else for each row.
__global__ void __launch_bounds__(kSampleThreads, 1) sampleStep(int V, Index ld, const float* logits, bool byPrompt, bool copied,
                                                                 const StepHead* head, const StepRow* rows, Drawn* drawn) {
  const StepRow row = rows[blockIdx.x];
  waitForPrevious();
  if (row.row < 0) return;
  const Index at = byPrompt ? row.prompt : static_cast<Index>(blockIdx.x);
  sampleRow(V, logits + at * ld, head->filters, row.uniform, copied ? sharedMemory<float>() : nullptr, &drawn[blockIdx.x].token,
            &drawn[blockIdx.x].logprob);
}

void drawRows(const Decoder& d, Index R, const float* logits, bool byPrompt, const unsigned char* step, Drawn* drawn) {
  const size_t shared = sampleShared(d.c.vocab);
  launchEarly(sampleStep, static_cast<unsigned>(R), sampleThreads(d.c.vocab), shared, static_cast<int>(d.c.vocab), d.head.N, logits,
         byPrompt, shared > 0, reinterpret_cast<const StepHead*>(step), reinterpret_cast<const StepRow*>(step + sizeof(StepHead)), drawn);
}

// One token more of every row, and the next one's draw, from stepOnHost to drawnOnHost.
void enqueueStep(const Decoder& d, Index R) {
  const Buffers& b = d.buffers;
  check(cudaMemcpyAsync(b.step, d.stepOnHost.data(), stepBytes(R), cudaMemcpyHostToDevice, stream()), "copying a step");
  const StepHead* head = reinterpret_cast<const StepHead*>(b.step);
  const StepRow* rows = reinterpret_cast<const StepRow*>(b.step + sizeof(StepHead));
  withType(d.type, [&](auto t) {
    typedef decltype(t) T;
    launch(embedRows<T>, static_cast<unsigned>(R), kRowThreads, 0, static_cast<int>(d.c.width), rows, d.wte, d.wpe, static_cast<T*>(b.x));
  });
  runLayers(d, R, b, [&](Index layer) {
    attendRows(d.type, &head->cache, rows, R, d.heads, layer, b.split, b.qkv, b.mixed);
    return R;
  });
  logitsOf(d, R, b.x, b.normed, b.logits);
  drawRows(d, R, b.logits, false, b.step, b.drawn);
  check(cudaMemcpyAsync(d.drawnOnHost.data(), b.drawn, R * sizeof(Drawn), cudaMemcpyDeviceToHost, stream()), "copying tokens");
}

void capture(const Decoder& d, Index R, Graph& graph) {
  cudaGraph_t captured = nullptr;
  check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed), "capturing a step");
  try {
    enqueueStep(d, R);
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

// A number of rows that comes once is not worth a graph; and what is set up when it is first used (libraries, kernels that
// are loaded then) must not be captured.
void runStep(Decoder& d, Index R) {
  Graph& graph = d.graphs[R];
  if (graph.uses++ == 0) return enqueueStep(d, R);
  if (!graph.run) capture(d, R, graph);
  check(cudaGraphLaunch(graph.run, stream()), "running a step");
}

// The head and the rows of a step as the device reads them, with padding up to `padded` rows.
void fillStep(const Decoder& d, Index R, Index padded, const int32_t* rows, const int32_t* tokens, const float* uniform,
              const Filters& filters, unsigned char* to) {
  const StepHead head = {d.cache, filters};
  memcpy(to, &head, sizeof head);
  StepRow* out = reinterpret_cast<StepRow*>(to + sizeof head);
  const int most = mostTogether(padded, d.heads);
  StepRow* first = nullptr;
  for (Index i = 0; i < R; i++) {
    const int32_t prompt = static_cast<int32_t>(rows[i] / d.cache.n);
    out[i] = {rows[i], prompt, d.lengths[prompt], d.added[rows[i]], tokens ? tokens[i] : 0, uniform[i], 0, 0};
    if (!first || first->prompt != prompt || first->together == most) first = out + i;
    first->together++;
  }
  for (Index i = R; i < padded; i++) out[i] = {-1, 0, 0, 0, 0, 0, 0, 0};
}

} // namespace

void createDecoder(Type type, const DecoderConfig& c, const float* const* weights, void** result) {
  *result = nullptr;
  if (!attends(type, c.width / c.heads)) throw std::runtime_error("decoder: heads of this width are not supported by the GPU's kernels");
  Decoder* d = new Decoder;
  try {
    d->type = type;
    d->c = c;
    d->heads = {c.heads, c.width / c.heads};
    d->layers.resize(c.layers);
    withType(type, [&](auto t) {
      typedef decltype(t) T;
      d->weights.atLeast(takeWeights<T>(*d, weights, nullptr));
      takeWeights<T>(*d, weights, d->weights.data());
    });
    *result = d;
  } catch (const std::bad_alloc&) {
    delete d;
  } catch (...) {
    delete d;
    throw;
  }
}

void destroyDecoder(void* decoder) { delete static_cast<Decoder*>(decoder); }

void prefillDecoder(void* decoder, Index P, Index T, const int32_t* prompts, const int32_t* lengths, Index n, Index maxNew,
                    bool* ok) {
  Decoder& d = *static_cast<Decoder*>(decoder);
  try {
    withType(d.type, [&](auto t) { prefill<decltype(t)>(d, P, T, prompts, lengths, n, maxNew); });
    *ok = true;
  } catch (const std::bad_alloc&) {
    *ok = false;
  }
}

void stepDecoder(void* decoder, Index R, const int32_t* rows, const int32_t* previous, float temperature, Index topK,
                 float topP, const float* uniform, int32_t* tokens, float* logprob, float* logits) {
  Decoder& d = *static_cast<Decoder*>(decoder);
  const Index V = d.c.vocab;
  const Filters filters = {temperature, topP, topK};
  std::vector<Drawn> drawn(R);
  if (previous) {
    const Index padded = paddedRows(R);
    fillStep(d, R, padded, rows, previous, uniform, filters, d.stepOnHost.data());
    runStep(d, padded);
    check(cudaStreamSynchronize(stream()), "waiting for a step");
    memcpy(drawn.data(), d.drawnOnHost.data(), R * sizeof(Drawn));
    for (Index i = 0; i < R; i++) d.added[rows[i]]++;
  } else { // rows may be given more than once
    std::vector<unsigned char> step(stepBytes(R));
    fillStep(d, R, R, rows, nullptr, uniform, filters, step.data());
    const auto stepThere = uploaded(step.data(), static_cast<Index>(step.size()));
    Temporary<Drawn> drawnThere(R);
    drawRows(d, R, d.promptLogits, true, stepThere, drawnThere);
    download(drawn.data(), drawnThere, R * sizeof(Drawn));
  }
  for (Index i = 0; i < R; i++) {
    tokens[i] = drawn[i].token;
    logprob[i] = drawn[i].logprob;
  }
  for (Index i = 0; logits && i < R; i++) {
    const float* row = previous ? d.buffers.logits + i * d.head.N : d.promptLogits + rows[i] / d.cache.n * d.head.N;
    download(logits + i * V, row, V * sizeof(float));
  }
}

} // namespace ilf::cuda
