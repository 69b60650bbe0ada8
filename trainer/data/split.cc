#include "trainer/data/split.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/random.h"
#include "trainer/data/shuffle.h"

namespace fusor {
namespace {

constexpr std::uint64_t kSplitSeed = 42;

// In hundredths, from the start of a class's shuffled list.
constexpr std::size_t kHeldOutEnd = 20;
constexpr std::size_t kValidationEnd = 28;
constexpr std::size_t kSharedEnd = 40;  // of the experts' part
constexpr std::size_t kOwnPart = 15;

using Indices = std::vector<std::uint32_t>;

// Per class, in a fixed random order.
std::map<int, Indices> ByClass(std::span<const int> labels,
                               std::span<const std::uint32_t> indices) {
  std::map<int, Indices> classes;
  for (std::uint32_t index : indices) classes[labels[index]].push_back(index);
  for (auto& [label, list] : classes) {
    Shuffle(list, Mix(kSplitSeed, static_cast<std::uint64_t>(label)));
  }
  return classes;
}

// The part of `list` from `begin` to `end` hundredths.
void Take(const Indices& list, std::size_t begin, std::size_t end, Indices& into) {
  for (std::size_t i = list.size() * begin / 100; i < list.size() * end / 100; ++i) {
    into.push_back(list[i]);
  }
}

}  // namespace

ExpertSplit SplitForExpert(std::span<const int> labels, Share share, int expert) {
  Indices all(labels.size());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  ExpertSplit split;
  const std::size_t own = kSharedEnd + kOwnPart * static_cast<std::size_t>(expert);
  for (const auto& [label, list] : ByClass(labels, all)) {
    Indices part;
    Take(list, 0, kHeldOutEnd, split.held_out);
    Take(list, kHeldOutEnd, kValidationEnd, split.validation);
    Take(list, kValidationEnd, 100, part);
    if (share == Share::kFull) {
      Take(part, 0, 100, split.train);
    } else {
      Take(part, 0, kSharedEnd, split.train);
      Take(part, own, own + kOwnPart, split.train);
    }
  }
  for (Indices* list : {&split.train, &split.validation, &split.held_out}) {
    std::sort(list->begin(), list->end());
  }
  return split;
}

std::vector<std::uint32_t> Subset(std::span<const int> labels,
                                  std::span<const std::uint32_t> indices, std::size_t count) {
  if (count >= indices.size()) return {indices.begin(), indices.end()};
  const auto classes = ByClass(labels, indices);
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
