#pragma once

// Of several writes of one turn to the same row only the last has to reach the disk: they commit
// together, so nobody could ever see the others.

#include <cstdint>
#include <span>
#include <vector>

#include "coordinator/core/write.h"

namespace fusor {

class Coalescer {
 public:
  // One flag per write: 1 when a later one replaces the whole row. Valid until the next call.
  const std::vector<std::uint8_t>& Superseded(std::span<const Write> writes);

 private:
  std::vector<std::uint32_t> table_;  // open addressing; positions in the span + 1, 0 = free
  std::vector<std::uint8_t> superseded_;
};

}  // namespace fusor
