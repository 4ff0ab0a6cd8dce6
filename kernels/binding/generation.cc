// Sampling and the decoder object.
#include <deque>
#include <new>

#include "function.h"

namespace ilf {
namespace {

struct Filters {
  float temperature, topP;
  int64_t topK;
};

// Three arguments from number i on: temperature, topK, topP.
Filters filters(Args& args, int i) {
  const double temperature = args.number(i, "temperature"), topP = args.number(i + 2, "topP");
  if (!(temperature >= 0)) args.outOfRange("temperature", "must not be negative");
  if (!(topP >= 0 && topP <= 1)) args.outOfRange("topP", "must be in [0, 1]");
  return {static_cast<float>(temperature), static_cast<float>(topP), args.dim(i + 1, "topK", 0)};
}

napi_value sample(Args& args) {
  const int64_t B = args.dim(0, "B", 0), V = args.dim(1, "V");
  const float* logits = args.hostFloats(2, "logits", times(B, V));
  const Filters f = filters(args, 3);
  const float* uniform = args.hostFloats(6, "uniform", B);
  int32_t* tokens = args.ints(7, "tokens", B);
  float* logprob = args.hostFloats(8, "logprob", B);
  kernels->sample(B, V, logits, f.temperature, f.topK, f.topP, uniform, tokens, logprob);
  return nullptr;
}

struct Decoder {
  const Kernels* made; // by the instruction set of its creation
  void* inner = nullptr;
  DecoderConfig config;
  napi_env env;
  std::vector<bool> there;     // of the weights that a model may have
  napi_ref embeddings[2] = {}; // wte, wpe: read in place
  int64_t n = 0, maxNew = 0;
  std::vector<int32_t> lengths, added; // of the open batch: per prompt, per row
  std::vector<bool> seen, drew;        // rows of the call, of the last step
  std::deque<int64_t> unread;          // steps that were started: their rows

  ~Decoder() { close(); }
  void closeBatch() {
    lengths.clear();
    unread.clear();
  }
  void close() {
    if (inner) made->destroyDecoder(inner);
    inner = nullptr;
    letGo();
  }
  // Of a JavaScript list of weights, keeps what is read in place.
  void hold(napi_value list, const ModelWeights& weights) {
    letGo();
    for (uint32_t i = 0; i < (weights.wpe ? 2 : 1); i++) {
      napi_value value;
      napi_get_element(env, list, i, &value);
      napi_create_reference(env, value, 1, &embeddings[i]);
    }
  }
  void letGo() {
    for (napi_ref& ref : embeddings) {
      if (ref) napi_delete_reference(env, ref);
      ref = nullptr;
    }
  }
};

Decoder& open(Args& args) {
  Decoder& d = *static_cast<Decoder*>(args.data);
  if (!d.inner) throw ArgumentError{ArgumentError::kOther, "decoder: it is closed"};
  return d;
}

napi_value prefill(Args& args) {
  Decoder& d = open(args);
  int64_t P, size;
  const int32_t* lengths = args.intsOfAnyLength(1, "lengths", &P);
  const int32_t* prompts = args.intsOfAnyLength(0, "prompts", &size);
  if (P == 0 || size % P != 0 || size == 0)
    args.outOfRange("prompts", "must have a positive multiple of lengths' " + std::to_string(P) + " elements");
  const int64_t T = size / P, n = args.dim(2, "n"), maxNew = args.dim(3, "maxNew", 0);
  args.checkIds("lengths", lengths, P, 1, T + 1);
  for (int64_t p = 0; p < P; p++) {
    args.checkIds("prompts", prompts + p * T, lengths[p], 0, d.config.vocab);
    if (lengths[p] + maxNew > d.config.positions)
      args.outOfRange("maxNew", "= " + std::to_string(maxNew) + " after a prompt of " + std::to_string(lengths[p]) +
                                    " tokens passes the model's " + std::to_string(d.config.positions) + " positions");
  }
  times(times(P, n), times(d.config.layers, times(maxNew + T, 2 * d.config.kvHeads * d.config.headDim)));
  d.closeBatch();
  bool ok = false;
  d.made->prefillDecoder(d.inner, P, T, prompts, lengths, n, maxNew, &ok);
  if (!ok) throw std::bad_alloc();
  d.n = n;
  d.maxNew = maxNew;
  d.lengths.assign(lengths, lengths + P);
  d.added.assign(P * n, 0);
  d.seen.assign(P * n, false);
  d.drew.assign(P * n, false);
  return nullptr;
}

// Rows that exist, each once, and with room for a token more where they get one.
void checkRows(Args& args, Decoder& d, const int32_t* rows, int64_t R, bool once, bool appended) {
  args.checkIds("rows", rows, R, 0, static_cast<int64_t>(d.lengths.size()) * d.n);
  d.seen.assign(d.seen.size(), false);
  for (int64_t i = 0; once && i < R; i++) {
    if (d.seen[rows[i]]) args.outOfRange("rows", "has row " + std::to_string(rows[i]) + " twice");
    d.seen[rows[i]] = true;
    if (appended && d.added[rows[i]] >= d.maxNew)
      args.outOfRange("rows", ": row " + std::to_string(rows[i]) + " has all of its maxNew = " + std::to_string(d.maxNew) +
                                  " tokens");
  }
}

void count(Decoder& d, const int32_t* rows, int64_t R, bool appended) {
  d.drew.assign(d.drew.size(), false);
  for (int64_t i = 0; i < R; i++) {
    d.drew[rows[i]] = true;
    if (appended) d.added[rows[i]]++;
  }
}

napi_value step(Args& args) {
  Decoder& d = open(args);
  int64_t R;
  const int32_t* rows = args.intsOfAnyLength(0, "rows", &R);
  const int32_t* previous = args.intsOrNull(1, "previous", R);
  const Filters f = filters(args, 2);
  const float* uniform = args.hostFloats(5, "uniform", R);
  int32_t* tokens = args.ints(6, "tokens", R);
  float* logprob = args.hostFloats(7, "logprob", R);
  float* logits = args.isNull(8) ? nullptr : args.hostFloats(8, "logits", times(R, d.config.vocab));
  if (!d.unread.empty()) throw ArgumentError{ArgumentError::kOther, "step: a step that was started is to be read first"};
  if (previous) args.checkIds("previous", previous, R, 0, d.config.vocab);
  checkRows(args, d, rows, R, previous, previous);
  if (R == 0) return nullptr;
  d.made->stepDecoder(d.inner, R, rows, previous, f.temperature, f.topK, f.topP, uniform, tokens, logprob, logits);
  count(d, rows, R, previous);
  return nullptr;
}

napi_value start(Args& args) {
  Decoder& d = open(args);
  int64_t R;
  const int32_t* rows = args.intsOfAnyLength(0, "rows", &R);
  const bool first = args.flag(1);
  const Filters f = filters(args, 2);
  const float* uniform = args.hostFloats(5, "uniform", R);
  if (!d.made->startStep) throw ArgumentError{ArgumentError::kOther, "start: these kernels do not run on their own"};
  if (d.unread.size() == 2) throw ArgumentError{ArgumentError::kOther, "start: two steps are to be read first"};
  if (R == 0) args.outOfRange("rows", "must not be empty");
  checkRows(args, d, rows, R, true, !first);
  for (int64_t i = 0; !first && i < R; i++)
    if (!d.drew[rows[i]]) args.outOfRange("rows", ": row " + std::to_string(rows[i]) + " has drawn nothing in the last step");
  d.made->startStep(d.inner, R, rows, first, f.temperature, f.topK, f.topP, uniform);
  count(d, rows, R, !first);
  d.unread.push_back(R);
  return nullptr;
}

napi_value read(Args& args) {
  Decoder& d = open(args);
  if (d.unread.empty()) throw ArgumentError{ArgumentError::kOther, "read: no step has been started"};
  int32_t* tokens = args.ints(0, "tokens", d.unread.front());
  float* logprob = args.hostFloats(1, "logprob", d.unread.front());
  d.made->readStep(d.inner, tokens, logprob);
  d.unread.pop_front();
  return nullptr;
}

napi_value closeBatch(Args& args) {
  Decoder& d = open(args);
  d.closeBatch();
  d.made->closeBatch(d.inner);
  return nullptr;
}

napi_value closeDecoder(Args& args) {
  static_cast<Decoder*>(args.data)->close();
  return nullptr;
}

double numberField(Args& args, const char* name) {
  napi_value value;
  double number;
  if (napi_get_named_property(args.env, args.value(0), name, &value) != napi_ok ||
      napi_get_value_double(args.env, value, &number) != napi_ok)
    args.outOfRange("config", std::string(".") + name + " must be a number");
  return number;
}

int64_t field(Args& args, const char* name, int64_t least = 1) {
  const double number = numberField(args, name);
  if (!(number >= static_cast<double>(least) && number < 2147483648.) ||
      number != static_cast<double>(static_cast<int64_t>(number)))
    args.outOfRange("config", std::string(".") + name + " must be an integer of at least " + std::to_string(least));
  return static_cast<int64_t>(number);
}

bool flagField(Args& args, const char* name) {
  napi_value value;
  bool flag = false;
  if (napi_get_named_property(args.env, args.value(0), name, &value) == napi_ok) napi_get_value_bool(args.env, value, &flag);
  return flag;
}

DecoderConfig configOf(Args& args) {
  DecoderConfig c = {};
  c.layers = field(args, "layers");
  c.width = field(args, "width");
  c.heads = field(args, "heads");
  c.kvHeads = field(args, "kvHeads");
  c.headDim = field(args, "headDim");
  c.inner = field(args, "inner");
  c.vocab = field(args, "vocab");
  c.positions = field(args, "positions");
  c.norm = static_cast<int>(field(args, "norm", 0));
  c.eps = static_cast<float>(numberField(args, "eps"));
  c.act = static_cast<int>(field(args, "act"));
  c.transposed = flagField(args, "transposed");
  c.rotation.interleaved = flagField(args, "interleaved");
  c.rotation.scale = numberField(args, "rotaryScale");
  napi_value value;
  napi_typedarray_type type;
  size_t pairs;
  void* frequencies;
  if (napi_get_named_property(args.env, args.value(0), "frequencies", &value) != napi_ok ||
      napi_get_typedarray_info(args.env, value, &type, &pairs, &frequencies, nullptr, nullptr) != napi_ok ||
      type != napi_float64_array)
    args.outOfRange("config", ".frequencies must be a Float64Array");
  c.rotation.pairs = static_cast<int64_t>(pairs);
  c.rotation.frequencies = static_cast<const double*>(frequencies);
  if (c.heads % c.kvHeads != 0) args.outOfRange("config", ".heads must be a multiple of kvHeads");
  if (2 * c.rotation.pairs > c.headDim) args.outOfRange("config", ".frequencies must not be more than half of headDim");
  if (c.norm > 1) args.outOfRange("config", ".norm must be 0 or 1");
  if (c.act > 2) args.outOfRange("config", ".act must be 1 or 2");
  return c;
}

// Argument `at`, a list of arrays, as ModelWeights; checks which are there, and their lengths.
class WeightList {
 public:
  WeightList(Args& args, int at, const DecoderConfig& c) : args_(args), layers_(c.layers) {
    args.floatList(at, "weights", data_, lengths_, true);
    const int64_t expected = 5 + 20 * c.layers;
    if (static_cast<int64_t>(data_.size()) != expected)
      args.outOfRange("weights", "must be " + std::to_string(expected) + " arrays or null, are " + std::to_string(data_.size()));
    const int64_t D = c.width, I = c.inner, ofQ = c.mixedWidth(), ofK = times(c.kvHeads, c.headDim);
    all.wte = take(times(c.vocab, D));
    all.wpe = takeOrNull(times(c.positions, D));
    for (LayerWeights& l : layers_) {
      l.norm1 = norm(D);
      l.qkv = linear(D, c.qkvWidth(), true);
      const bool apart = !l.qkv.weight;
      l.q = linear(D, ofQ, !apart);
      l.k = linear(D, ofK, !apart);
      l.v = linear(D, ofK, !apart);
      l.out = linear(ofQ, D, false);
      l.norm2 = norm(D);
      l.gate = linear(D, I, true);
      l.up = linear(D, I, false);
      l.down = linear(I, D, false);
      if (!l.gate.weight != !layers_[0].gate.weight) args.outOfRange("weights", "must have a gate in all layers, or in none");
    }
    if (!layers_[0].gate.weight && c.act != 1) args.outOfRange("config", ".act must be 1 without gates");
    all.layers = layers_.data();
    all.norm = norm(D);
    all.head = takeOrNull(times(c.vocab, D));
  }
  ModelWeights all;
  std::vector<bool> there() const { return {data_.begin(), data_.end()}; }

 private:
  float* takeOrNull(int64_t length) {
    const int64_t actual = lengths_[next_];
    if (actual >= 0 && actual != length)
      args_.outOfRange("weights", "[" + std::to_string(next_) + "] must have " + std::to_string(length) + " elements, has " +
                                      std::to_string(actual));
    return data_[next_++];
  }
  float* take(int64_t length) {
    if (!data_[next_]) args_.outOfRange("weights", "[" + std::to_string(next_) + "] must be there");
    return takeOrNull(length);
  }
  PartWeights norm(int64_t D) {
    const float* weight = take(D);
    return {weight, takeOrNull(D)};
  }
  PartWeights linear(int64_t from, int64_t to, bool mayBeNull) {
    const float* weight = mayBeNull ? takeOrNull(times(from, to)) : take(times(from, to));
    return {weight, takeOrNull(to)};
  }

  Args& args_;
  std::vector<LayerWeights> layers_;
  std::vector<float*> data_;
  std::vector<int64_t> lengths_;
  size_t next_ = 0;
};

napi_value renew(Args& args) {
  Decoder& d = open(args);
  const WeightList weights(args, 0, d.config);
  if (weights.there() != d.there) args.outOfRange("weights", "must be there where the decoder has them, and only there");
  d.closeBatch();
  bool ok = false;
  d.made->renewDecoder(d.inner, weights.all, &ok);
  if (!ok) {
    d.close();
    throw std::bad_alloc();
  }
  d.hold(args.value(0), weights.all);
  return nullptr;
}

napi_value createDecoder(Args& args) {
  const DecoderConfig c = configOf(args);
  const WeightList weights(args, 1, c);
  const auto d = std::make_shared<Decoder>();
  d->made = kernels;
  d->config = c;
  d->config.rotation.frequencies = nullptr; // the call's
  d->there = weights.there();
  d->env = args.env;
  d->made->createDecoder(args.flag(2) ? kBfloat16 : kFloat32, c, weights.all, &d->inner);
  if (!d->inner) throw std::bad_alloc();
  d->hold(args.value(1), weights.all);
  napi_value object;
  napi_create_object(args.env, &object);
  static const Function methods[] = {
      {"prefill", prefill}, {"step", step},   {"start", start},
      {"read", read},       {"renew", renew}, {"closeBatch", closeBatch},
      {"close", closeDecoder}};
  define(args.env, object, methods, sizeof methods / sizeof *methods, d);
  return object;
}

const Function functions[] = {
    {"sample", sample},
    {"createDecoder", createDecoder},
};

} // namespace

void defineGeneration(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
