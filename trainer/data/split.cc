#include "trainer/data/split.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "common/base/check.h"
#include "common/base/random.h"
#include "trainer/data/published_splits.h"
#include "trainer/data/shuffle.h"

namespace fusor {
namespace {

constexpr std::uint64_t kSplitSeed = 42;

// In hundredths, from the start of a class's shuffled list.
constexpr std::size_t kSharedEnd = 40;
constexpr std::size_t kOwnPart = 15;

using Indices = std::vector<std::uint32_t>;

// Per class, in a random order.
std::map<int, Indices> ByClass(std::span<const int> labels, std::span<const std::uint32_t> indices,
                               std::uint64_t seed) {
  std::map<int, Indices> classes;
  for (std::uint32_t index : indices) classes[labels[index]].push_back(index);
  for (auto& [label, list] : classes) {
    Shuffle(list, Mix(seed, static_cast<std::uint64_t>(label)));
  }
  return classes;
}

// The part of `list` from `begin` to `end` hundredths.
void Take(const Indices& list, std::size_t begin, std::size_t end, Indices& into) {
  for (std::size_t i = list.size() * begin / 100; i < list.size() * end / 100; ++i) {
    into.push_back(list[i]);
  }
}

// How many of each class make up the fraction: each has its whole part, and those with the largest
// remainders one more, so that the sum is right however uneven the classes are.
std::vector<std::ptrdiff_t> CountsOf(const std::map<int, Indices>& classes, std::size_t all,
                                     double fraction) {
  std::vector<std::ptrdiff_t> counts;
  std::vector<std::pair<double, std::size_t>> remainders;  // negated: the largest comes first
  auto left = static_cast<std::ptrdiff_t>(std::lround(fraction * static_cast<double>(all)));
  for (const auto& [label, list] : classes) {
    const double exact = fraction * static_cast<double>(list.size());
    remainders.emplace_back(std::floor(exact) - exact, counts.size());
    counts.push_back(static_cast<std::ptrdiff_t>(exact));
    left -= counts.back();
  }
  std::sort(remainders.begin(), remainders.end());
  for (const auto& [remainder, position] : remainders) {
    if (left-- <= 0) break;
    ++counts[position];
  }
  return counts;
}

// That many of each class go to `first`, the others to `rest`.
void Divide(std::span<const int> labels, std::span<const std::uint32_t> indices, double fraction,
            Indices& first, Indices& rest) {
  const std::map<int, Indices> classes = ByClass(labels, indices, kSplitSeed);
  const std::vector<std::ptrdiff_t> counts = CountsOf(classes, indices.size(), fraction);
  auto count = counts.begin();
  for (const auto& [label, list] : classes) {
    first.insert(first.end(), list.begin(), list.begin() + *count);
    rest.insert(rest.end(), list.begin() + *count++, list.end());
  }
  std::sort(first.begin(), first.end());
  std::sort(rest.begin(), rest.end());
}

Indices AllOf(std::span<const int> labels) {
  Indices all(labels.size());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

// Which of four the class belongs to.
std::map<int, int> OwnerByClass(std::span<const int> labels) {
  Indices classes;
  for (int label : labels) classes.push_back(static_cast<std::uint32_t>(label));
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  Shuffle(classes, kSplitSeed);
  std::map<int, int> owners;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    owners[static_cast<int>(classes[i])] = static_cast<int>(i % kExperts);
  }
  return owners;
}

}  // namespace

std::span<const std::uint32_t> PublishedHoldout(std::string_view data, std::size_t images) {
  if (data != "cifar100" || images != kCifar100TrainingImages) return {};
  return Cifar100FusionHoldout();
}

DataSplit SplitTraining(std::span<const int> labels, const SplitFractions& fractions,
                        std::span<const std::uint32_t> holdout) {
  const Indices all = AllOf(labels);
  Indices fusion(holdout.begin(), holdout.end());
  Indices experts;
  if (holdout.empty()) {
    Divide(labels, all, fractions.fusion, fusion, experts);
  } else {
    std::sort(fusion.begin(), fusion.end());
    CHECK(fusion.back() < labels.size());
    std::set_difference(all.begin(), all.end(), fusion.begin(), fusion.end(),
                        std::back_inserter(experts));
  }
  DataSplit split;
  Divide(labels, experts, fractions.validation, split.expert_validation, split.expert_train);
  Divide(labels, fusion, fractions.validation, split.fusion_validation, split.fusion_train);
  return split;
}

std::vector<std::uint32_t> ShareOf(std::span<const int> labels,
                                   std::span<const std::uint32_t> indices, Share share,
                                   int expert) {
  CHECK(expert >= 0 && expert < kExperts);
  Indices part;
  if (share == Share::kFull) {
    part.assign(indices.begin(), indices.end());
  } else if (share == Share::kOverlap) {
    const std::size_t own = kSharedEnd + kOwnPart * static_cast<std::size_t>(expert);
    for (const auto& [label, list] : ByClass(labels, indices, kSplitSeed)) {
      Take(list, 0, kSharedEnd, part);
      Take(list, own, own + kOwnPart, part);
    }
  } else {
    const std::map<int, int> owners = OwnerByClass(labels);
    for (std::uint32_t index : indices) {
      if (owners.at(labels[index]) == expert) part.push_back(index);
    }
  }
  std::sort(part.begin(), part.end());
  return part;
}

std::vector<std::uint32_t> Subset(std::span<const int> labels,
                                  std::span<const std::uint32_t> indices, std::size_t count,
                                  std::uint64_t seed) {
  if (count >= indices.size()) return {indices.begin(), indices.end()};
  const auto classes = ByClass(labels, indices, Mix(kSplitSeed, seed));
  Indices chosen;
  for (std::size_t round = 0; chosen.size() < count; ++round) {
    for (const auto& [label, list] : classes) {
      if (round < list.size() && chosen.size() < count) chosen.push_back(list[round]);
    }
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace fusor
