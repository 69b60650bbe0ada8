#include "coordinator/core/cell_counter.h"

#include <algorithm>
#include <numeric>

#include "common/base/check.h"

namespace fusor {

// One call of Count.
struct CellCounter::Walk {
  std::vector<std::vector<std::uint32_t>> rows;  // per dimension; empty and whole[d]: all
  std::vector<bool> whole;
  std::vector<std::uint64_t> sizes;
  std::vector<std::uint64_t> rest;  // product of the sizes from the dimension on
  Counts counts;
};

namespace {

const ExcludedBox::Side* SideIn(const ExcludedBox& box, std::size_t dimension) {
  for (const ExcludedBox::Side& side : box.sides) {
    if (side.dimension == dimension) return &side;
  }
  return nullptr;
}

}  // namespace

CellCounter::CellCounter(const StageSpec& stage) : stage_(stage), boxes_(BoxesOf(stage)) {
  for (const ExcludedBox& box : boxes_) {
    past_.push_back(box.sides.empty() ? 0 : box.sides.back().dimension + 1);
  }
}

CellCounter::Counts CellCounter::Count(const Rows& rows) const {
  const std::size_t dimensions = stage_.dimensions.size();
  Walk walk;
  walk.rows.resize(dimensions);
  walk.whole.assign(dimensions, true);
  walk.rest.assign(dimensions + 1, 1);
  for (std::size_t d = 0; d < dimensions; ++d) {
    const auto narrowed = rows.find(d);
    walk.whole[d] = narrowed == rows.end();
    if (!walk.whole[d]) walk.rows[d] = narrowed->second;
    walk.sizes.push_back(walk.whole[d] ? stage_.dimensions[d].rows.size() : walk.rows[d].size());
  }
  for (std::size_t d = dimensions; d-- > 0;) walk.rest[d] = walk.rest[d + 1] * walk.sizes[d];
  walk.counts.cells = walk.rest[0];
  walk.counts.excluded.assign(boxes_.size(), 0);
  std::vector<std::size_t> alive;
  for (std::size_t i = 0; i < boxes_.size(); ++i) {
    if (!boxes_[i].empty) alive.push_back(i);
  }
  Descend(walk, 0, alive, 1);
  if (stage_.drawn) walk.counts.trials = CountDrawn(rows);
  return walk.counts;
}

// `alive`: the rules that the rows chosen so far have not ruled out, ascending; `weight`: how many
// choices of rows led here. Rows that leave the same rules alive are counted together.
void CellCounter::Descend(Walk& walk, std::size_t dimension, const std::vector<std::size_t>& alive,
                          std::uint64_t weight) const {
  if (alive.empty()) {
    walk.counts.trials += weight * walk.rest[dimension];
    return;
  }
  if (past_[alive[0]] <= dimension) {
    walk.counts.excluded[alive[0]] += weight * walk.rest[dimension];
    return;
  }
  std::vector<std::pair<std::uint32_t, std::size_t>> hits;  // (row, rule)
  bool named = false;
  for (const std::size_t rule : alive) {
    const ExcludedBox::Side* side = SideIn(boxes_[rule], dimension);
    if (side == nullptr) continue;
    named = true;
    if (walk.whole[dimension]) {
      for (const std::uint32_t row : side->rows) hits.emplace_back(row, rule);
    } else {
      for (const std::uint32_t row : walk.rows[dimension]) {
        if (side->has[row]) hits.emplace_back(row, rule);
      }
    }
  }
  if (!named) {
    Descend(walk, dimension + 1, alive, weight * walk.sizes[dimension]);
    return;
  }
  std::sort(hits.begin(), hits.end());
  std::map<std::vector<std::size_t>, std::uint64_t> groups;  // rules that hold -> rows
  std::uint64_t touched = 0;
  for (std::size_t i = 0; i < hits.size();) {
    std::vector<std::size_t> holding;
    const std::uint32_t row = hits[i].first;
    for (; i < hits.size() && hits[i].first == row; ++i) holding.push_back(hits[i].second);
    ++groups[holding];
    ++touched;
  }
  if (touched < walk.sizes[dimension]) groups[{}] += walk.sizes[dimension] - touched;
  for (const auto& [holding, rows] : groups) {
    std::vector<std::size_t> next;
    for (const std::size_t rule : alive) {
      const bool holds = SideIn(boxes_[rule], dimension) == nullptr ||
                         std::binary_search(holding.begin(), holding.end(), rule);
      if (holds) next.push_back(rule);
      // Later rules cannot be the first any more.
      if (holds && past_[rule] <= dimension + 1) break;
    }
    Descend(walk, dimension + 1, next, weight * rows);
  }
}

std::uint64_t CellCounter::CountDrawn(const Rows& rows) const {
  const std::size_t dimensions = stage_.dimensions.size();
  // The seeds that each drawn position is crossed with.
  std::vector<std::uint32_t> seeds(stage_.dimensions[0].rows.size());
  std::iota(seeds.begin(), seeds.end(), 0U);
  if (const auto narrowed = rows.find(0); narrowed != rows.end()) seeds = narrowed->second;
  std::vector<std::uint32_t> row(dimensions, 0);
  const auto excluded = [&](const ExcludedBox& box) {
    return !box.empty && std::all_of(box.sides.begin(), box.sides.end(), [&](const auto& side) {
      return side.has[row[side.dimension]];
    });
  };
  const bool seeds_matter = std::any_of(stage_.excludes.begin(), stage_.excludes.end(),
                                        [&](const auto& rule) { return NamesSeed(stage_, rule); });
  std::uint64_t trials = 0;
  for (const std::uint64_t position : *stage_.drawn) {
    std::uint64_t left = position;
    bool wanted = true;
    for (std::size_t d = dimensions; d-- > 1;) {
      row[d] = static_cast<std::uint32_t>(left % stage_.dimensions[d].rows.size());
      left /= stage_.dimensions[d].rows.size();
      const auto narrowed = rows.find(d);
      wanted =
          wanted && (narrowed == rows.end() ||
                     std::binary_search(narrowed->second.begin(), narrowed->second.end(), row[d]));
    }
    if (!wanted) continue;
    if (!seeds_matter) {
      trials += std::none_of(boxes_.begin(), boxes_.end(), excluded) ? seeds.size() : 0;
      continue;
    }
    for (const std::uint32_t seed : seeds) {
      row[0] = seed;
      trials += std::none_of(boxes_.begin(), boxes_.end(), excluded) ? 1 : 0;
    }
  }
  return trials;
}

}  // namespace fusor
