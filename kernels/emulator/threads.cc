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
int blockNumber = 0;

namespace {

constexpr size_t kStack = 256 << 10;

struct Fiber {
  enum State { kReady, kAtWarp, kAtBlock, kAtPrevious, kAsleep, kDone } state; // kAsleep: until other blocks have run
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

// A block that has begun.
struct Block {
  dim3 index;
  std::vector<Fiber> fibers;
  std::vector<unsigned char> shared; // dynamic
};

// What it takes to run a kernel. There are two: a kernel may be run while the next, which started early, waits for it.
struct Machine {
  Block blocks[kBlocksAtOnce];
  unsigned char* stacks = nullptr;
  size_t stacksFor = 0; // threads of a block
  Fiber* current = nullptr;
  void* scheduler = nullptr;
  const Launch* launch = nullptr;
  bool together = false; // whether blocks of this launch run side by side
  bool moved = false;    // whether, since this was last asked, a thread did more than find that it must go on waiting
};
Machine machines[2];
Machine* machine = machines;
Launch pending = {}; // launched, not run yet
bool backwards = false;

// Of block i of the machine: no other that has begun has the same.
int numberOf(int i) { return static_cast<int>(machine - machines) * kBlocksAtOnce + i; }

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
  Machine& m = *machine;
  m.current = &f;
  threadIndex = f.index;
  ilfSwitch(&m.scheduler, f.stack);
  if (f.state != Fiber::kAsleep) m.moved = true;
}

// Runs a warp's threads until each has ended or waits for the block, or one of them for other blocks.
void runWarp(Fiber* warp, int lanes) {
  while (true) {
    int waiting = 0, asleep = 0;
    for (int i = 0; i < lanes; i++) {
      Fiber& f = warp[backwards ? lanes - 1 - i : i];
      if (f.state == Fiber::kReady) resume(f);
      waiting += f.state == Fiber::kAtWarp;
      asleep += f.state == Fiber::kAsleep;
    }
    if (waiting == 0 || asleep > 0) return;
    for (int i = 0; i < lanes; i++)
      if (warp[i].state == Fiber::kAtBlock) {
        fprintf(stderr, "emulated CUDA: threads of one warp wait at __syncthreads and in a warp's operation\n");
        abort();
      }
    for (int i = 0; i < lanes; i++)
      if (warp[i].state == Fiber::kAtWarp) warp[i].state = Fiber::kReady;
  }
}

void begin(int i, dim3 index) {
  Block& block = machine->blocks[i];
  block.index = index;
  const size_t n = block.fibers.size();
  for (size_t t = 0; t < n; t++) start(block.fibers[t], i * n + t);
  if (!block.shared.empty()) memset(block.shared.data(), 0xff, block.shared.size());
}

// Runs a block until it ends or must wait for others; whether it ended.
bool runBlock(int i) {
  std::vector<Fiber>& fibers = machine->blocks[i].fibers;
  const auto count = [&](Fiber::State state) {
    return std::count_if(fibers.begin(), fibers.end(), [=](const Fiber& f) { return f.state == state; });
  };
  const auto goOn = [&](Fiber::State state) {
    for (Fiber& f : fibers)
      if (f.state == state) f.state = Fiber::kReady;
  };
  blockNumber = numberOf(i);
  blockIndex = machine->blocks[i].index;
  const int n = static_cast<int>(fibers.size()), warps = (n + 31) / 32;
  goOn(Fiber::kAsleep);
  while (true) {
    for (int w = 0; w < warps; w++) {
      const int warp = backwards ? warps - 1 - w : w;
      runWarp(&fibers[warp * 32], n - warp * 32 < 32 ? n - warp * 32 : 32);
    }
    if (count(Fiber::kAsleep) > 0) return false;
    // Those that wait for the kernel ahead go on first: the others' barrier is not complete without them.
    if (count(Fiber::kAtPrevious) > 0) {
      finishKernels();
      goOn(Fiber::kAtPrevious);
    } else if (count(Fiber::kAtBlock) > 0) {
      goOn(Fiber::kAtBlock);
    } else {
      return true;
    }
  }
}

// Of the blocks that have begun (in that order), runs the last that gets any further, so that it often finds that it must wait;
// removes it where it ended.
void runLast(std::vector<int>& begun) {
  for (size_t i = begun.size(); i-- > 0;) {
    machine->moved = false;
    const bool ended = runBlock(begun[i]);
    if (ended) begun.erase(begun.begin() + static_cast<std::ptrdiff_t>(i));
    if (ended || machine->moved) return;
  }
  fprintf(stderr, "emulated CUDA: blocks wait for one that has not begun, or for each other\n");
  abort();
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
    if (m.stacks) munmap(m.stacks, kBlocksAtOnce * m.stacksFor * kStack);
    m.stacks = static_cast<unsigned char*>(mmap(nullptr, kBlocksAtOnce * n * kStack, PROT_READ | PROT_WRITE,
                                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (m.stacks == MAP_FAILED) abort();
    m.stacksFor = n;
  }
  for (Block& each : m.blocks) {
    each.fibers.resize(n);
    each.shared.resize(launch.shared);
    for (unsigned i = 0; i < n; i++) {
      Fiber& f = each.fibers[i];
      const unsigned first = i / 32 * 32;
      f.index = dim3(i % block.x, i / block.x % block.y, i / block.x / block.y);
      f.warp = &each.fibers[first];
      f.lanes = n - first < 32 ? static_cast<int>(n - first) : 32;
    }
  }
  m.launch = &launch;
  m.together = false;
  gridSize = grid;
  blockSize = block;
  backwards = !backwards;
  const size_t total = static_cast<size_t>(grid.x) * grid.y * grid.z;
  std::vector<int> begun;
  for (size_t next = 0; next < total || !begun.empty();) {
    if (next < total && begun.size() < (m.together ? kBlocksAtOnce : 1)) {
      int i = 0; // a free one
      while (std::find(begun.begin(), begun.end(), i) != begun.end()) i++;
      begin(i, dim3(next % grid.x, next / grid.x % grid.y, next / grid.x / grid.y));
      begun.push_back(i);
      next++;
    }
    runLast(begun);
  }
}

} // namespace

void finishKernels() {
  if (!pending.body) return;
  const Launch launch = std::move(pending);
  pending = {};
  const dim3 block = blockIndex, size = blockSize, grid = gridSize;
  const int number = blockNumber;
  Machine* const outer = machine;
  machine = outer == machines ? machines + 1 : machines;
  run(launch);
  machine = outer;
  blockNumber = number;
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

void* sharedMemory() { return machine->blocks[blockNumber % kBlocksAtOnce].shared.data(); }
void syncBlock() { wait(Fiber::kAtBlock); }
void runTogether() {
  machine->together = true;
  letOthersRun();
}
void letOthersRun() {
  if (!machine->together) return;
  machine->moved = true;
  wait(Fiber::kAsleep);
}
void waitForOthers() { wait(Fiber::kAsleep); }
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
