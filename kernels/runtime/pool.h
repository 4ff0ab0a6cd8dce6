// The process's one thread pool. Compiled once, for the baseline instruction set.
#pragma once
#include <stdint.h>

namespace ilf {

int poolThreads();          // threads that share the work, the caller's included
void setPoolThreads(int n); // 1 runs everything in the caller

// Calls fn(ctx, task) once for every task in [0, tasks), from the caller and the pool's threads, and returns when all are
// done. Which thread runs which task is not fixed, so a task's result must depend on its number only.
// Calls from inside a task, or while another JavaScript thread holds the pool, run in the caller.
void poolRun(int64_t tasks, void (*fn)(void* ctx, int64_t task), void* ctx);

template <class F> // F: a lambda's own type, so that every instruction set instantiates its own
inline void parallelFor(int64_t tasks, F body) {
  if (tasks <= 1) {
    if (tasks == 1) body(0);
    return;
  }
  poolRun(tasks, [](void* ctx, int64_t task) { (*static_cast<F*>(ctx))(task); }, &body);
}

} // namespace ilf
