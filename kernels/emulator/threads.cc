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
  enum State { kReady, kAtWarp, kAtBlock, kAsleep, kDone } state; // kAsleep: until other blocks have run
  void* stack; // where it goes on
  dim3 index;
  Fiber* warp; // its first thread
  int lanes;
  Reduction reduction; // of the warp, at its first thread
  unsigned exchanges;
  alignas(16) unsigned char left[2][16]; // for the warp to read, in turn
};

// A block that has begun.
struct Block {
  dim3 index;
  std::vector<Fiber> fibers;
  std::vector<unsigned char> shared; // dynamic
};

Block blocks[kMostBlocks];
unsigned char* stacks = nullptr;
size_t stacksFor = 0;
Fiber* current = nullptr;
void* scheduler = nullptr;
const std::function<void()>* kernel = nullptr;
bool backwards = false;
bool together = false; // whether blocks of this launch run side by side
bool moved = false;    // whether, since this was last asked, a thread did more than find that it must go on waiting

void wait(Fiber::State state) {
  current->state = state;
  ilfSwitch(&current->stack, scheduler);
}

void runFiber() {
  (*kernel)();
  wait(Fiber::kDone);
  abort();
}

void start(Fiber& f, size_t number) {
  void** top = reinterpret_cast<void**>(stacks + (number + 1) * kStack);
  *--top = nullptr; // the stack is aligned to 16 where a called function would have its return address
  *--top = reinterpret_cast<void*>(runFiber);
  for (int i = 0; i < 6; i++) *--top = nullptr;
  f.stack = top;
  f.state = Fiber::kReady;
  f.exchanges = 0;
  f.reduction = {0, 0.f};
}

void resume(Fiber& f) {
  current = &f;
  threadIndex = f.index;
  ilfSwitch(&scheduler, f.stack);
  if (f.state != Fiber::kAsleep) moved = true;
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

void begin(int number, dim3 index) {
  Block& block = blocks[number];
  block.index = index;
  const size_t n = block.fibers.size();
  for (size_t i = 0; i < n; i++) start(block.fibers[i], number * n + i);
  if (!block.shared.empty()) memset(block.shared.data(), 0xff, block.shared.size());
}

// Runs a block until it ends or must wait for others; whether it ended.
bool runBlock(int number) {
  Block& block = blocks[number];
  blockNumber = number;
  blockIndex = block.index;
  const int n = static_cast<int>(block.fibers.size()), warps = (n + 31) / 32;
  for (Fiber& f : block.fibers)
    if (f.state == Fiber::kAsleep) f.state = Fiber::kReady;
  while (true) {
    for (int w = 0; w < warps; w++) {
      const int warp = backwards ? warps - 1 - w : w;
      runWarp(&block.fibers[warp * 32], n - warp * 32 < 32 ? n - warp * 32 : 32);
    }
    int waiting = 0;
    for (const Fiber& f : block.fibers) {
      if (f.state == Fiber::kAsleep) return false;
      waiting += f.state == Fiber::kAtBlock;
    }
    if (waiting == 0) return true;
    for (Fiber& f : block.fibers)
      if (f.state == Fiber::kAtBlock) f.state = Fiber::kReady;
  }
}

// Of the blocks that have begun (numbers, in that order), runs the last that gets any further, so that it often finds that it
// must wait; removes it where it ended.
void runLast(std::vector<int>& begun) {
  for (size_t i = begun.size(); i-- > 0;) {
    moved = false;
    const bool ended = runBlock(begun[i]);
    if (ended) begun.erase(begun.begin() + static_cast<std::ptrdiff_t>(i));
    if (ended || moved) return;
  }
  fprintf(stderr, "emulated CUDA: blocks wait for one that has not begun, or for each other\n");
  abort();
}

void run(dim3 grid, dim3 block, size_t shared, const std::function<void()>& body) {
  const size_t n = static_cast<size_t>(block.x) * block.y * block.z;
  if (n == 0 || n > 1024 || shared > 227 * 1024) {
    fprintf(stderr, "emulated CUDA: a launch of %zu threads a block and %zu bytes of shared memory\n", n, shared);
    abort();
  }
  if (n > stacksFor) {
    if (stacks) munmap(stacks, kMostBlocks * stacksFor * kStack);
    stacks = static_cast<unsigned char*>(mmap(nullptr, kMostBlocks * n * kStack, PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (stacks == MAP_FAILED) abort();
    stacksFor = n;
  }
  for (Block& each : blocks) {
    each.fibers.resize(n);
    each.shared.resize(shared);
    for (unsigned i = 0; i < n; i++) {
      Fiber& f = each.fibers[i];
      const unsigned first = i / 32 * 32;
      f.index = dim3(i % block.x, i / block.x % block.y, i / block.x / block.y);
      f.warp = &each.fibers[first];
      f.lanes = n - first < 32 ? static_cast<int>(n - first) : 32;
    }
  }
  gridSize = grid;
  blockSize = block;
  kernel = &body;
  backwards = !backwards;
  together = false;
  const size_t total = static_cast<size_t>(grid.x) * grid.y * grid.z;
  std::vector<int> begun;
  for (size_t next = 0; next < total || !begun.empty();) {
    if (next < total && begun.size() < (together ? kMostBlocks : 1)) {
      int number = 0; // a free one
      while (std::find(begun.begin(), begun.end(), number) != begun.end()) number++;
      begin(number, dim3(next % grid.x, next / grid.x % grid.y, next / grid.x / grid.y));
      begun.push_back(number);
      next++;
    }
    runLast(begun);
  }
}

} // namespace

void launch(dim3 grid, dim3 block, size_t shared, std::function<void()> body) {
  enqueue([=] { run(grid, block, shared, body); });
}

void* sharedMemory() { return blocks[blockNumber].shared.data(); }
void syncBlock() { wait(Fiber::kAtBlock); }
void runTogether() {
  together = true;
  letOthersRun();
}
void letOthersRun() {
  if (!together) return;
  moved = true;
  wait(Fiber::kAsleep);
}
void waitForOthers() { wait(Fiber::kAsleep); }
int lanesOfWarp() { return current->lanes; }
Reduction& reductionOfWarp() { return current->warp->reduction; }
unsigned exchangesSoFar() { return current->exchanges; }

void exchange(const void* value, size_t bytes) {
  Fiber& f = *current;
  memcpy(f.left[++f.exchanges & 1], value, bytes);
  wait(Fiber::kAtWarp);
}

const void* peek(int lane) {
  const Fiber *f = current, *other = f->warp + lane;
  // A lane that took part in this exchange may have ended since.
  const bool took = lane >= 0 && lane < f->lanes && other->exchanges >= f->exchanges;
  return (took ? other : f)->left[f->exchanges & 1];
}

} // namespace ilf::emulated
