#pragma once

// Random numbers from a seed that everybody can repeat. Counter-based draws (`Mix`) depend on their
// arguments alone; `Random` is a sequence. One draw per statement: argument order is not defined.

#include <cstdint>

namespace fusor {

// A well mixed function of the two words (SplitMix64's finaliser).
std::uint64_t Mix(std::uint64_t a, std::uint64_t b);

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(Mix(seed, 0x9e3779b97f4a7c15ULL)) {}

  std::uint64_t Next();
  // Uniform in [0, bound). Requires bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  // Uniform in [0, 1).
  double Unit();
  bool Chance(double probability) { return Unit() < probability; }

 private:
  std::uint64_t state_;
};

}  // namespace fusor
