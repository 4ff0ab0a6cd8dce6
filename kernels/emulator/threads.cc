#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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
  enum State { kReady, kAtWarp, kAtBlock, kDone } state;
  void* stack; // where it goes on
  dim3 index;
  Fiber* warp; // its first thread
  int lanes;
  Reduction reduction; // of the warp, at its first thread
  unsigned exchanges;
  alignas(16) unsigned char left[2][16]; // for the warp to read, in turn
};

std::vector<Fiber> fibers;
unsigned char* stacks = nullptr;
size_t stacksFor = 0;
Fiber* current = nullptr;
void* scheduler = nullptr;
const std::function<void()>* kernel = nullptr;
std::vector<unsigned char> dynamicShared;
bool backwards = false;

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
  const int n = static_cast<int>(fibers.size()), warps = (n + 31) / 32;
  for (int i = 0; i < n; i++) start(fibers[i], i);
  if (!dynamicShared.empty()) memset(dynamicShared.data(), 0xff, dynamicShared.size());
  while (true) {
    for (int w = 0; w < warps; w++) {
      const int warp = backwards ? warps - 1 - w : w;
      runWarp(&fibers[warp * 32], n - warp * 32 < 32 ? n - warp * 32 : 32);
    }
    int waiting = 0;
    for (Fiber& f : fibers)
      if (f.state == Fiber::kAtBlock) {
        f.state = Fiber::kReady;
        waiting++;
      }
    if (waiting == 0) return;
  }
}

void run(dim3 grid, dim3 block, size_t shared, const std::function<void()>& body) {
  const size_t n = static_cast<size_t>(block.x) * block.y * block.z;
  if (n == 0 || n > 1024 || shared > 227 * 1024) {
    fprintf(stderr, "emulated CUDA: a launch of %zu threads a block and %zu bytes of shared memory\n", n, shared);
    abort();
  }
  if (n > stacksFor) {
    if (stacks) munmap(stacks, stacksFor * kStack);
    stacks = static_cast<unsigned char*>(
        mmap(nullptr, n * kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (stacks == MAP_FAILED) abort();
    stacksFor = n;
  }
  fibers.resize(n);
  for (unsigned i = 0; i < n; i++) {
    Fiber& f = fibers[i];
    const unsigned first = i / 32 * 32;
    f.index = dim3(i % block.x, i / block.x % block.y, i / block.x / block.y);
    f.warp = &fibers[first];
    f.lanes = n - first < 32 ? static_cast<int>(n - first) : 32;
  }
  dynamicShared.resize(shared);
  gridSize = grid;
  blockSize = block;
  kernel = &body;
  backwards = !backwards;
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++) {
        blockIndex = dim3(x, y, z);
        runBlock();
      }
}

} // namespace

void launch(dim3 grid, dim3 block, size_t shared, std::function<void()> body) {
  enqueue([=] { run(grid, block, shared, body); });
}

void* sharedMemory() { return dynamicShared.data(); }
void syncBlock() { wait(Fiber::kAtBlock); }
void waitsForever() {
  fprintf(stderr, "emulated CUDA: a block waits for one that comes after it\n");
  abort();
}
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
