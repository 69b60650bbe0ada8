#pragma once

// What a run's memory is for, as far as it can be counted.

#include <cstdint>
#include <span>

#include "trainer/engine/task.h"
#include "trainer/optim/optimizer.h"

namespace fusor {

// Bytes.
struct MemoryKinds {
  std::uint64_t parameters = 0;  // fp32 masters and running statistics
  std::uint64_t gradients = 0;   // of what is trained
  std::uint64_t optimizer = 0;   // moments
  std::uint64_t data = 0;        // samples that lie in memory

  std::uint64_t total() const { return parameters + gradients + optimizer + data; }
};

MemoryKinds CountMemory(Task& task, std::span<const TrainedGroup> groups,
                        const Optimizer& optimizer);

}  // namespace fusor
