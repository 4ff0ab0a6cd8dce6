// Memory that lives longer than an operation.
#pragma once
#include "device.h"

namespace ilf::cuda {

// Device memory that grows as it must.
class Memory {
 public:
  Memory() = default;
  ~Memory() { free(); }
  Memory(const Memory&) = delete;
  void free() {
    release(data_);
    data_ = nullptr;
    bytes_ = 0;
  }
  // What was in it is lost where it held less. Throws std::bad_alloc, and is empty then.
  void atLeast(size_t bytes) {
    if (bytes <= bytes_) return;
    free();
    data_ = static_cast<unsigned char*>(allocate(bytes));
    bytes_ = bytes;
  }
  unsigned char* data() const { return data_; }

 private:
  unsigned char* data_ = nullptr;
  size_t bytes_ = 0;
};

// Memory of the host that the device copies from and to without the CPU.
class Pinned {
 public:
  Pinned() = default;
  ~Pinned() { free(); }
  Pinned(const Pinned&) = delete;
  void resize(size_t bytes) {
    free();
    check(cudaMallocHost(&data_, bytes), "pinned memory");
  }
  unsigned char* data() const { return static_cast<unsigned char*>(data_); }

 private:
  void free() {
    if (data_) cudaFreeHost(data_);
    data_ = nullptr;
  }
  void* data_ = nullptr;
};

// Parts of a piece of memory, one after another, each at a multiple of 256 bytes; from null it only counts.
struct Pieces {
  unsigned char* at;
  size_t used = 0;
  template <class T = unsigned char>
  T* take(Index n) {
    unsigned char* piece = at ? at + used : nullptr;
    used += (n * sizeof(T) + 255) / 256 * 256;
    return reinterpret_cast<T*>(piece);
  }
};

} // namespace ilf::cuda
