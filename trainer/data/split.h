#pragma once

// Who sees which training images. A split depends on the data set alone, not on a trial's seed: all
// trials agree on what is held out. The test files have no part in it. CIFAR-100 is divided as
// published fusion results were (deploy/splits); everything else takes each class alike.
//
//   training images = for experts (80 %) | held out for fusion (20 %)
//   each part       = to train on (90 %) | for validation (10 %)
//   an expert's own = 40 % that all experts see | 15 % of 0 | 15 % of 1 | 15 % of 2 | 15 % of 3

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fusor {

inline constexpr int kExperts = 4;

struct SplitFractions {
  double fusion = 0.2;      // of the training images
  double validation = 0.1;  // of each part
};

// Indices of training images, ascending; no image is in two parts.
struct DataSplit {
  std::vector<std::uint32_t> expert_train;
  std::vector<std::uint32_t> expert_validation;
  std::vector<std::uint32_t> fusion_train;
  std::vector<std::uint32_t> fusion_validation;
};

// The published division of this data set, or nothing: what is held out for fusion.
std::span<const std::uint32_t> PublishedHoldout(std::string_view data, std::size_t images);

// `holdout`, where there is one, takes the place of the fraction for fusion.
DataSplit SplitTraining(std::span<const int> labels, const SplitFractions& fractions,
                        std::span<const std::uint32_t> holdout);

enum class Share : std::uint8_t { kFull, kOverlap, kDisjointClasses };

// An expert's part of `indices`, ascending. With disjoint classes expert e has every fourth class
// of a shuffled list.
std::vector<std::uint32_t> ShareOf(std::span<const int> labels,
                                   std::span<const std::uint32_t> indices, Share share, int expert);

// `count` of `indices`, each class alike as far as it goes; all of them when there are no more.
// Which ones depends on the seed.
std::vector<std::uint32_t> Subset(std::span<const int> labels,
                                  std::span<const std::uint32_t> indices, std::size_t count,
                                  std::uint64_t seed);

}  // namespace fusor
