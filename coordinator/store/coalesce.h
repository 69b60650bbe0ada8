#pragma once

// Of several writes of one turn to the same row only the last has to reach the disk: they commit
// together, so nobody could ever see the others. Nor does the cursor of an attempt that ends in the
// turn: its lease goes.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coordinator/core/write.h"

namespace fusor {

class Coalescer {
 public:
  // Which row a write replaces. Kind 0: it adds or removes, and is never superseded.
  struct RowKey {
    std::size_t kind = 0;
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    friend bool operator==(const RowKey&, const RowKey&) = default;
  };

  // One flag per write: 1 when it need not be written. Valid until the next call.
  const std::vector<std::uint8_t>& Superseded(std::span<const Write> writes);

 private:
  std::size_t PlaceOf(const RowKey& key, std::span<const Write> writes) const;
  bool EndsHere(AttemptId attempt, std::span<const Write> writes) const;

  std::vector<std::uint32_t> table_;  // open addressing; positions in the span + 1, 0 = free
  std::vector<std::uint8_t> superseded_;
};

}  // namespace fusor
