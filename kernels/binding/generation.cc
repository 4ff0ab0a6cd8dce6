// Sampling and the decoder object.
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
  napi_ref embeddings[2] = {}; // wte, wpe: read in place
  int64_t n = 0, maxNew = 0;
  std::vector<int32_t> lengths, added; // of the open batch: per prompt, per row
  std::vector<bool> seen;

  ~Decoder() { close(); }
  void close() {
    if (inner) made->destroyDecoder(inner);
    inner = nullptr;
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
  times(times(P, n), times(d.config.layers, times(maxNew + T, 2 * d.config.width)));
  d.lengths.clear();
  bool ok = false;
  d.made->prefillDecoder(d.inner, P, T, prompts, lengths, n, maxNew, &ok);
  if (!ok) throw std::bad_alloc();
  d.n = n;
  d.maxNew = maxNew;
  d.lengths.assign(lengths, lengths + P);
  d.added.assign(P * n, 0);
  d.seen.assign(P * n, false);
  return nullptr;
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
  args.checkIds("rows", rows, R, 0, static_cast<int64_t>(d.lengths.size()) * d.n);
  if (previous) args.checkIds("previous", previous, R, 0, d.config.vocab);
  d.seen.assign(d.seen.size(), false);
  for (int64_t i = 0; previous && i < R; i++) {
    if (d.seen[rows[i]]) args.outOfRange("rows", "has row " + std::to_string(rows[i]) + " twice");
    d.seen[rows[i]] = true;
    if (d.added[rows[i]] >= d.maxNew)
      args.outOfRange("rows", ": row " + std::to_string(rows[i]) + " has all of its maxNew = " + std::to_string(d.maxNew) +
                                  " tokens");
  }
  if (R == 0) return nullptr;
  d.made->stepDecoder(d.inner, R, rows, previous, f.temperature, f.topK, f.topP, uniform, tokens, logprob, logits);
  for (int64_t i = 0; previous && i < R; i++) d.added[rows[i]]++;
  return nullptr;
}

napi_value closeDecoder(Args& args) {
  static_cast<Decoder*>(args.data)->close();
  return nullptr;
}

int64_t field(Args& args, const char* name) {
  napi_value value;
  double number;
  if (napi_get_named_property(args.env, args.value(0), name, &value) != napi_ok ||
      napi_get_value_double(args.env, value, &number) != napi_ok || !(number >= 1 && number < 2147483648.) ||
      number != static_cast<double>(static_cast<int64_t>(number)))
    args.outOfRange("config", std::string(".") + name + " must be a positive integer");
  return static_cast<int64_t>(number);
}

napi_value createDecoder(Args& args) {
  DecoderConfig c = {field(args, "layers"), field(args, "heads"), field(args, "width"), 0,
                     field(args, "vocab"),  field(args, "positions"), 0};
  napi_value value;
  double eps;
  if (napi_get_named_property(args.env, args.value(0), "eps", &value) != napi_ok ||
      napi_get_value_double(args.env, value, &eps) != napi_ok)
    args.outOfRange("config", ".eps must be a number");
  c.eps = static_cast<float>(eps);
  if (c.width % c.heads != 0) args.outOfRange("config", ".width must be a multiple of heads");

  std::vector<float*> weights;
  std::vector<int64_t> lengths;
  args.floatList(1, "weights", weights, lengths);
  const int64_t expected = 4 + 12 * c.layers;
  if (static_cast<int64_t>(weights.size()) != expected)
    args.outOfRange("weights", "must be " + std::to_string(expected) + " arrays, are " + std::to_string(weights.size()));
  const int64_t D = c.width, I = lengths[11]; // the first layer's mlp.c_fc.bias
  c.inner = I;
  std::vector<int64_t> right = {times(c.vocab, D), times(c.positions, D)};
  for (int64_t i = 0; i < c.layers; i++)
    right.insert(right.end(), {D, D, times(D, 3 * D), 3 * D, times(D, D), D, D, D, times(D, I), I, times(I, D), D});
  right.insert(right.end(), {D, D});
  for (int64_t i = 0; i < expected; i++)
    if (lengths[i] != right[i] || lengths[i] == 0)
      args.outOfRange("weights", "[" + std::to_string(i) + "] must have " + std::to_string(right[i]) + " elements, has " +
                                     std::to_string(lengths[i]));

  const auto d = std::make_shared<Decoder>();
  d->made = kernels;
  d->config = c;
  d->env = args.env;
  d->made->createDecoder(args.flag(2) ? kBfloat16 : kFloat32, c, weights.data(), &d->inner);
  if (!d->inner) throw std::bad_alloc();
  for (uint32_t i = 0; i < 2; i++) {
    napi_get_element(args.env, args.value(1), i, &value);
    napi_create_reference(args.env, value, 1, &d->embeddings[i]);
  }
  napi_value object;
  napi_create_object(args.env, &object);
  static const Function methods[] = {{"prefill", prefill}, {"step", step}, {"close", closeDecoder}};
  define(args.env, object, methods, 3, d);
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
