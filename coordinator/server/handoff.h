#pragma once

// Orders what a thread did before it gave something to a library with what another thread does once
// the library has given it back. The library does so itself; where it is not built for the thread
// sanitizer, as Debian's are not, this is what the sanitizer sees of it.

#include <atomic>

namespace fusor {

class Handoff {
 public:
  void Give() { given_.store(true, std::memory_order_release); }
  void Take() { static_cast<void>(given_.load(std::memory_order_acquire)); }

 private:
  std::atomic<bool> given_ = false;
};

}  // namespace fusor
