#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <vector>

#include "queue.h"

#ifndef __x86_64__
#error "the emulation of CUDA switches fibers in x86-64 assembly"
#endif

// Saves what a call must keep, and goes on at another stack.
extern "C" void ilfSwitch(void** from, void* to);
asm(R"(
.text
.globl ilfSwitch
.hidden ilfSwitch
ilfSwitch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");

namespace ilf::emulated {

dim3 threadIndex, blockIndex, blockSize, gridSize;

namespace {

constexpr size_t kStack = 256 << 10;

struct Fiber {
  enum State { kReady, kAtWarp, kAtBlock, kAtPrevious, kDone } state;
  void* stack; // where it goes on
  dim3 index;
  Fiber* warp; // its first thread
  int lanes;
  Reduction reduction; // of the warp, at its first thread
  unsigned exchanges;
  bool waited; // for the kernel ahead
  alignas(16) unsigned char left[2][16]; // for the warp to read, in turn
};

struct Launch {
  dim3 grid, block;
  size_t shared;
  std::function<void()> body;
  bool early;
};

// What it takes to run a kernel. There are two: a kernel may be run while the next, which started early, waits for it.
struct Machine {
  std::vector<Fiber> fibers;
  unsigned char* stacks = nullptr;
  size_t stacksFor = 0;
  Fiber* current = nullptr;
  void* scheduler = nullptr;
  const Launch* launch = nullptr;
  std::vector<unsigned char> dynamicShared;
};
Machine machines[2];
Machine* machine = machines;
Launch pending = {}; // launched, not run yet
bool backwards = false;

void wait(Fiber::State state) {
  machine->current->state = state;
  ilfSwitch(&machine->current->stack, machine->scheduler);
}

void runFiber() {
  machine->launch->body();
  if (machine->launch->early && !machine->current->waited) {
    fprintf(stderr, "emulated CUDA: a thread of a kernel that starts early ends without waitForPrevious()\n");
    abort();
  }
  wait(Fiber::kDone);
  abort();
}

void start(Fiber& f, size_t number) {
  void** top = reinterpret_cast<void**>(machine->stacks + (number + 1) * kStack);
  *--top = nullptr; // the stack is aligned to 16 where a called function would have its return address
  *--top = reinterpret_cast<void*>(runFiber);
  for (int i = 0; i < 6; i++) *--top = nullptr;
  f.stack = top;
  f.state = Fiber::kReady;
  f.exchanges = 0;
  f.waited = false;
  f.reduction = {0, 0.f};
}

void resume(Fiber& f) {
  machine->current = &f;
  threadIndex = f.index;
  ilfSwitch(&machine->scheduler, f.stack);
}

// Runs a warp's threads until each has ended or waits for the block.
bool runWarp(Fiber* warp, int lanes) {
  bool any = false;
  while (true) {
    int waiting = 0;
    for (int i = 0; i < lanes; i++) {
      Fiber& f = warp[backwards ? lanes - 1 - i : i];
      if (f.state == Fiber::kReady) {
        resume(f);
        any = true;
      }
      waiting += f.state == Fiber::kAtWarp;
    }
    if (waiting == 0) return any;
    for (int i = 0; i < lanes; i++)
      if (warp[i].state == Fiber::kAtBlock) {
        fprintf(stderr, "emulated CUDA: threads of one warp wait at __syncthreads and in a warp's operation\n");
        abort();
      }
    for (int i = 0; i < lanes; i++)
      if (warp[i].state == Fiber::kAtWarp) warp[i].state = Fiber::kReady;
  }
}

void runBlock() {
  std::vector<Fiber>& fibers = machine->fibers;
  std::vector<unsigned char>& dynamicShared = machine->dynamicShared;
  const int n = static_cast<int>(fibers.size()), warps = (n + 31) / 32;
  for (int i = 0; i < n; i++) start(fibers[i], i);
  if (!dynamicShared.empty()) memset(dynamicShared.data(), 0xff, dynamicShared.size());
  while (true) {
    for (int w = 0; w < warps; w++) {
      const int warp = backwards ? warps - 1 - w : w;
      runWarp(&fibers[warp * 32], n - warp * 32 < 32 ? n - warp * 32 : 32);
    }
    const auto count = [&](Fiber::State state) {
      return std::count_if(fibers.begin(), fibers.end(), [=](const Fiber& f) { return f.state == state; });
    };
    // Those that wait for the kernel ahead go on first: the others' barrier is not complete without them.
    const Fiber::State goesOn = count(Fiber::kAtPrevious) > 0 ? Fiber::kAtPrevious : Fiber::kAtBlock;
    if (count(goesOn) == 0) return;
    if (goesOn == Fiber::kAtPrevious) finishKernels();
    for (Fiber& f : fibers)
      if (f.state == goesOn) f.state = Fiber::kReady;
  }
}

void run(const Launch& launch) {
  const dim3 grid = launch.grid, block = launch.block;
  Machine& m = *machine;
  const size_t n = static_cast<size_t>(block.x) * block.y * block.z;
  if (n == 0 || n > 1024 || launch.shared > 227 * 1024) {
    fprintf(stderr, "emulated CUDA: a launch of %zu threads a block and %zu bytes of shared memory\n", n, launch.shared);
    abort();
  }
  if (n > m.stacksFor) {
    if (m.stacks) munmap(m.stacks, m.stacksFor * kStack);
    m.stacks = static_cast<unsigned char*>(
        mmap(nullptr, n * kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (m.stacks == MAP_FAILED) abort();
    m.stacksFor = n;
  }
  m.fibers.resize(n);
  for (unsigned i = 0; i < n; i++) {
    Fiber& f = m.fibers[i];
    const unsigned first = i / 32 * 32;
    f.index = dim3(i % block.x, i / block.x % block.y, i / block.x / block.y);
    f.warp = &m.fibers[first];
    f.lanes = n - first < 32 ? static_cast<int>(n - first) : 32;
  }
  m.dynamicShared.resize(launch.shared);
  m.launch = &launch;
  gridSize = grid;
  blockSize = block;
  backwards = !backwards;
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++) {
        blockIndex = dim3(x, y, z);
        runBlock();
      }
}

} // namespace

void finishKernels() {
  if (!pending.body) return;
  const Launch launch = std::move(pending);
  pending = {};
  const dim3 block = blockIndex, size = blockSize, grid = gridSize;
  Machine* const outer = machine;
  machine = outer == machines ? machines + 1 : machines;
  run(launch);
  machine = outer;
  blockIndex = block;
  blockSize = size;
  gridSize = grid;
}

cudaError_t launch(dim3 grid, dim3 block, size_t shared, std::function<void()> body, bool early) {
  const cudaError_t status = launching();
  if (status != cudaSuccess) return status;
  const Launch launch = {grid, block, shared, std::move(body), early};
  enqueueKernel([launch] {
    if (launch.early && pending.body) return run(launch); // which runs the pending one where it waits for it
    finishKernels();
    pending = launch;
  });
  return cudaSuccess;
}

void waitForPrevious() {
  machine->current->waited = true;
  if (pending.body) wait(Fiber::kAtPrevious);
}

void* sharedMemory() { return machine->dynamicShared.data(); }
void syncBlock() { wait(Fiber::kAtBlock); }
void waitsForever() {
  fprintf(stderr, "emulated CUDA: a block waits for one that comes after it\n");
  abort();
}
int lanesOfWarp() { return machine->current->lanes; }
Reduction& reductionOfWarp() { return machine->current->warp->reduction; }
unsigned exchangesSoFar() { return machine->current->exchanges; }

void exchange(const void* value, size_t bytes) {
  Fiber& f = *machine->current;
  memcpy(f.left[++f.exchanges & 1], value, bytes);
  wait(Fiber::kAtWarp);
}

const void* peek(int lane) {
  const Fiber *f = machine->current, *other = f->warp + lane;
  // A lane that took part in this exchange may have ended since.
  const bool took = lane >= 0 && lane < f->lanes && other->exchanges >= f->exchanges;
  return (took ? other : f)->left[f->exchanges & 1];
}

} // namespace ilf::emulated
