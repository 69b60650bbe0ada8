#include "common/base/random.h"

#include "common/base/check.h"

namespace fusor {

namespace {

std::uint64_t Finish(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  return Finish(Finish(a + 0x9e3779b97f4a7c15ULL) + b * 0xd1342543de82ef95ULL + 1);
}

std::uint64_t Random::Next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  return Finish(state_);
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
