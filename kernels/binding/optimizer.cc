// AdamW and the gradients' norm; sums.
#include "function.h"

namespace ilf {
namespace {

napi_value sum(Args& args) {
  int64_t n;
  const float* x = args.floatsOfAnyLength(0, "x", &n);
  kernels->sum(n, x, args.floats(1, "total", 1));
  return nullptr;
}

napi_value globalNorm(Args& args) {
  std::vector<float*> arrays;
  std::vector<int64_t> lengths;
  args.floatList(0, "arrays", arrays, lengths);
  double norm;
  kernels->globalNorm(static_cast<int64_t>(arrays.size()), lengths.data(), arrays.data(), &norm);
  napi_value result;
  napi_create_double(args.env, norm, &result);
  return result;
}

napi_value clippedAdamw(Args& args) {
  static const char* names[] = {"params", "grads", "m", "v"};
  std::vector<float*> lists[4];
  std::vector<int64_t> lengths, others;
  args.floatList(0, names[0], lists[0], lengths);
  for (int i = 1; i < 4; i++) {
    args.floatList(i, names[i], lists[i], others);
    if (others.size() != lengths.size())
      args.outOfRange(names[i], "must have as many arrays as params, " + std::to_string(lengths.size()));
    for (size_t a = 0; a < lengths.size(); a++)
      if (others[a] != lengths[a])
        args.outOfRange(names[i], "[" + std::to_string(a) + "] must have " + std::to_string(lengths[a]) +
                                      " elements, has " + std::to_string(others[a]));
  }
  const double* decay = args.doubles(4, "weightDecay", static_cast<int64_t>(lengths.size()));
  const double lr = args.number(5, "lr"), beta1 = args.number(6, "beta1"), beta2 = args.number(7, "beta2");
  const double eps = args.number(8, "eps");
  const int64_t step = args.dim(9, "step");
  const double clip = args.number(10, "clip");
  std::vector<float*> losses;
  args.floatList(11, "losses", losses, others);
  for (size_t l = 0; l < others.size(); l++)
    if (others[l] != 1) args.outOfRange("losses", "[" + std::to_string(l) + "] must have 1 element, has " + std::to_string(others[l]));
  Outcome outcome;
  kernels->clippedAdamw(static_cast<int64_t>(lengths.size()), lengths.data(), lists[0].data(), lists[1].data(),
                        lists[2].data(), lists[3].data(), decay, lr, beta1, beta2, eps, static_cast<double>(step), clip,
                        static_cast<int64_t>(losses.size()), losses.data(), &outcome);
  napi_value result, value;
  napi_create_object(args.env, &result);
  napi_create_double(args.env, outcome.loss, &value);
  napi_set_named_property(args.env, result, "loss", value);
  napi_create_double(args.env, outcome.gradNorm, &value);
  napi_set_named_property(args.env, result, "gradNorm", value);
  napi_get_boolean(args.env, outcome.finite, &value);
  napi_set_named_property(args.env, result, "finite", value);
  return result;
}

const Function functions[] = {
    {"sum", sum},
    {"globalNorm", globalNorm},
    {"clippedAdamw", clippedAdamw},
};

} // namespace

void defineOptimizer(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
