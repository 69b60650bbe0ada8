#pragma once

// Who sees which training images. Every split takes each class alike and depends on the labels
// alone, not on a trial's seed: all trials of a data set agree on what is held out. The test files
// have no part in it.
//
//   training files = 20 % held out for fusion | 8 % validation | 72 % for experts
//   experts' part  = 40 % shared | 15 % own of expert 0 | 15 % of 1 | 15 % of 2 | 15 % of 3

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fusor {

inline constexpr int kExperts = 4;

struct ExpertSplit {
  std::vector<std::uint32_t> train;
  std::vector<std::uint32_t> validation;
  std::vector<std::uint32_t> held_out;
};

enum class Share : std::uint8_t { kFull, kOverlap };

// Indices into `labels`.
ExpertSplit SplitForExpert(std::span<const int> labels, Share share, int expert);

// `count` of `indices`, each class alike as far as it goes; all of them when there are no more.
std::vector<std::uint32_t> Subset(std::span<const int> labels,
                                  std::span<const std::uint32_t> indices, std::size_t count);

}  // namespace fusor
