#pragma once

// Random numbers from a seed that everybody can repeat. Counter-based draws (`Mix`) depend on their
// arguments alone; `Random` is a sequence. One draw per statement: argument order is not defined.

#include <cstdint>

namespace fusor {

// SplitMix64's finaliser.
constexpr std::uint64_t SplitMix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// The two parts of Mix(a, b) = SplitMix(MixBase(a) + b * kMixStride).
inline constexpr std::uint64_t kMixStride = 0xd1342543de82ef95ULL;
constexpr std::uint64_t MixBase(std::uint64_t a) { return SplitMix(a + 0x9e3779b97f4a7c15ULL) + 1; }

// A well mixed function of the two words.
constexpr std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  return SplitMix(MixBase(a) + b * kMixStride);
}

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
