#pragma once

// Dropout's arithmetic on a CPU.

#include <cstdint>

#include "trainer/math/number.h"

namespace fusor {

// out = in / (1 - probability), or 0 where Mix(key, number of the element) lies below `threshold`.
struct DropRow {
  std::uint64_t key = 0;
  std::uint64_t threshold = 0;
  double scale = 1;
  std::uint64_t first = 0;   // the first element's number
  std::uint64_t stride = 1;  // from one element's to the next one's
};

// Scaled in a wide type: 1 / (1 - p) rounded to 16 bits would shift every mean.
template <class Number>
void DropElements(const DropRow& row, const Number* in, Number* out, std::int64_t count);

}  // namespace fusor
