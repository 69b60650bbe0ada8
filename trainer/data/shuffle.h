#pragma once

// Fisher-Yates from a key: the same order on every machine.

#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/random.h"

namespace fusor {

inline void Shuffle(std::vector<std::uint32_t>& list, std::uint64_t key) {
  Random random(key);
  for (std::size_t left = list.size(); left > 1; --left) {
    std::size_t chosen = random.Below(left);
    std::swap(list[left - 1], list[chosen]);
  }
}

}  // namespace fusor
