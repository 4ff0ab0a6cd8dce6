// Matrix products by oneDNN's matmul primitive, timed: shapes as M,N,K,transA,transB. The last line is JSON, in GFLOP per
// second. Threads: OMP_NUM_THREADS.
//
// gemm_onednn float32|bfloat16 packed|plain SECONDS LEAST SHAPE...
//   packed  b is reordered beforehand into the layout that oneDNN likes best, which is not timed
//   plain   b is read as it is stored
// Results are float32 in both precisions.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

using dnnl::memory;
using Clock = std::chrono::steady_clock;

namespace {

double since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

/** [rows, columns], stored [columns, rows] if transposed. */
memory::desc stored(long rows, long columns, bool transposed, memory::data_type type) {
  memory::dims strides = transposed ? memory::dims{1, rows} : memory::dims{columns, 1};
  return {{rows, columns}, type, strides};
}

/** A stored matrix of random values in [-1, 1). */
memory filled(long rows, long columns, bool transposed, memory::data_type type, const dnnl::engine& engine,
              dnnl::stream& stream) {
  std::vector<float> values(rows * columns);
  unsigned state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / (1 << 23) - 1;
  }
  memory from(stored(rows, columns, false, memory::data_type::f32), engine, values.data());
  memory to(stored(rows, columns, transposed, type), engine);
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  return to;
}

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const memory::desc& a, const memory::desc& b,
                                      const memory::desc& c) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, a, b, c};
#else
  return {dnnl::matmul::desc(a, b, c), engine};
#endif
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 6) {
    std::fprintf(stderr, "usage: gemm_onednn float32|bfloat16 packed|plain SECONDS LEAST SHAPE...\n");
    return 2;
  }
  const auto type = std::string(argv[1]) == "bfloat16" ? memory::data_type::bf16 : memory::data_type::f32;
  const bool packed = std::string(argv[2]) == "packed";
  const double seconds = std::atof(argv[3]);
  const size_t least = std::atoi(argv[4]);
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);

  std::string rates;
  for (int i = 5; i < argc; i++) {
    long M, N, K;
    int transA, transB;
    if (std::sscanf(argv[i], "%ld,%ld,%ld,%d,%d", &M, &N, &K, &transA, &transB) != 5) {
      std::fprintf(stderr, "not a shape: %s\n", argv[i]);
      return 2;
    }
    memory a = filled(M, K, transA, type, engine, stream);
    memory b = filled(K, N, transB, type, engine, stream);
    const memory::desc anyB({K, N}, type, memory::format_tag::any);
    memory c(stored(M, N, false, memory::data_type::f32), engine);
    const auto primitive = describe(engine, a.get_desc(), packed ? anyB : b.get_desc(), c.get_desc());
    if (primitive.weights_desc() != b.get_desc()) {
      memory liked(primitive.weights_desc(), engine);
      dnnl::reorder(b, liked).execute(stream, b, liked);
      stream.wait();
      b = liked;
    }
    dnnl::matmul matmul(primitive);
    const std::unordered_map<int, memory> args{{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}};
    const auto run = [&] {
      matmul.execute(stream, args);
      stream.wait();
    };
    run();
    std::vector<double> taken;
    const auto began = Clock::now();
    while (taken.size() < least || since(began) < seconds) {
      const auto from = Clock::now();
      run();
      taken.push_back(since(from));
    }
    rates += (i > 5 ? ",\"" : "\"") + std::string(argv[i]) + "\":[";
    for (size_t k = 0; k < taken.size(); k++)
      rates += (k ? "," : "") + std::to_string(2.0 * M * N * K / taken[k] / 1e9);
    rates += "]";
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  const double peak = usage.ru_maxrss / 1048576.0;
#else
  const double peak = usage.ru_maxrss / 1024.0;
#endif
  const dnnl_version_t* version = dnnl_version();
  std::printf("{\"subject\":\"oneDNN %d.%d.%d\",\"rates\":{%s},\"peakRssMiB\":%f}\n", version->major, version->minor,
              version->patch, rates.c_str(), peak);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "oneDNN: %s\n", error.what());
  return 1;
}
