#include "common/base/random.h"

#include "common/base/check.h"

namespace fusor {

std::uint64_t Random::Next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  return SplitMix(state_);
}

std::uint64_t Random::Below(std::uint64_t bound) {
  CHECK(bound > 0);
  // Rejection keeps it exactly uniform.
  const std::uint64_t limit = bound * (UINT64_MAX / bound);
  std::uint64_t draw = Next();
  while (draw >= limit) draw = Next();
  return draw % bound;
}

double Random::Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

}  // namespace fusor
