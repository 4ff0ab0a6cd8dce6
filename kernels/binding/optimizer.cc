// AdamW and the gradients' norm.
#include "function.h"

namespace ilf {
namespace {

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

napi_value adamw(Args& args) {
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
  kernels->adamw(static_cast<int64_t>(lengths.size()), lengths.data(), lists[0].data(), lists[1].data(),
                 lists[2].data(), lists[3].data(), decay, lr, beta1, beta2, eps, static_cast<double>(step),
                 args.number(10, "gradScale"));
  return nullptr;
}

const Function functions[] = {
    {"globalNorm", globalNorm},
    {"adamw", adamw},
};

} // namespace

void defineOptimizer(napi_env env, napi_value exports) {
  define(env, exports, functions, sizeof functions / sizeof *functions);
}

} // namespace ilf
