#include "pool.h"

#include <stdlib.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace ilf {
namespace {

// A waiting thread spins about this many pauses (some 30 µs: longer than the gap between two kernels of a training step)
// before it sleeps; a sleeping thread costs 5 to 50 µs to wake.
constexpr int kSpins = 1500;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

struct Pool {
  // The job. Written by the caller while no worker is inside; read by workers that are.
  void (*fn)(void*, int64_t) = nullptr;
  void* ctx = nullptr;
  int64_t tasks = 0;
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<int> inside{0};    // workers that may be reading the job
  alignas(64) std::atomic<bool> open{false}; // whether a worker may still join
  alignas(64) std::atomic<uint64_t> generation{0};
  std::atomic<int> sleepers{0};
  std::atomic<int> limit{1}; // threads in use, the caller's included
  int started = 0;           // worker threads that exist
  std::mutex callers;        // one parallel job at a time
  std::mutex sleep;
  std::condition_variable wake;

  void work() {
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) fn(ctx, i);
  }
};

// Never destroyed: its threads outlive static destructors.
Pool& pool() {
  static Pool* p = new Pool;
  return *p;
}

thread_local bool insideTask = false;

void workerMain(int index) {
  Pool& p = pool();
  insideTask = true;
  uint64_t seen = 0;
  for (;;) {
    const bool used = index < p.limit.load() - 1;
    bool changed = false;
    for (int i = 0; used && i < kSpins && !changed; i++) {
      changed = p.generation.load(std::memory_order_acquire) != seen;
      if (!changed) pause();
    }
    if (!changed) {
      std::unique_lock<std::mutex> lock(p.sleep);
      p.sleepers++;
      p.wake.wait(lock, [&] { return p.generation.load() != seen; });
      p.sleepers--;
    }
    seen = p.generation.load();
    if (index >= p.limit.load() - 1) continue;
    // Announce first, then look: the caller closes first, then waits for everyone who announced.
    p.inside.fetch_add(1);
    if (p.open.load()) p.work();
    p.inside.fetch_sub(1);
  }
}

int defaultThreads() {
  const char* text = getenv("ILF_THREADS");
  const int asked = text ? atoi(text) : 0;
  if (asked > 0) return asked;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return cores > 0 ? cores : 1;
}

void startUpTo(Pool& p, int threads) {
  while (p.started < threads - 1) {
    try {
      std::thread(workerMain, p.started).detach();
    } catch (...) { // no more threads to be had: go on with those there are
      p.limit = p.started + 1;
      return;
    }
    p.started++;
  }
}

std::once_flag configured;
void configure() {
  std::call_once(configured, [] { pool().limit = defaultThreads(); });
}

} // namespace

int poolThreads() {
  configure();
  return pool().limit.load();
}

void setPoolThreads(int n) {
  configure();
  std::lock_guard<std::mutex> lock(pool().callers);
  pool().limit = n < 1 ? 1 : n;
}

void poolRun(int64_t tasks, void (*fn)(void*, int64_t), void* ctx) {
  Pool& p = pool();
  std::unique_lock<std::mutex> lock(p.callers, std::defer_lock);
  if (insideTask || poolThreads() == 1 || !lock.try_lock()) {
    for (int64_t i = 0; i < tasks; i++) fn(ctx, i);
    return;
  }
  startUpTo(p, p.limit.load());
  insideTask = true;
  p.fn = fn;
  p.ctx = ctx;
  p.tasks = tasks;
  p.next.store(0);
  p.open.store(true);
  p.generation.fetch_add(1);
  if (p.sleepers.load() > 0) {
    std::lock_guard<std::mutex> guard(p.sleep);
    p.wake.notify_all();
  }
  p.work();
  p.open.store(false);
  for (int spins = 0; p.inside.load() != 0; spins++) {
    pause();
    if (spins > kSpins) std::this_thread::yield();
  }
  insideTask = false;
}

} // namespace ilf
