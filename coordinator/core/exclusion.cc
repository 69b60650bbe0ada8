#include "coordinator/core/exclusion.h"

#include <algorithm>

namespace fusor {

namespace {

// The rows of the dimension that satisfy every term about its axes; `named` when there is one.
struct Rows {
  bool named = false;
  std::vector<std::uint32_t> rows;
};

Rows RowsOf(const Dimension& dimension, const Exclude& rule) {
  std::vector<std::pair<std::size_t, const Exclude::Term*>> terms;  // (column, term)
  for (std::size_t column = 0; column < dimension.axes.size(); ++column) {
    for (const Exclude::Term& term : rule.terms) {
      if (term.axis == dimension.axes[column]) terms.emplace_back(column, &term);
    }
  }
  Rows result;
  result.named = !terms.empty();
  if (!result.named) return result;
  for (std::uint32_t row = 0; row < dimension.rows.size(); ++row) {
    const auto holds = [&](const auto& entry) {
      const auto& values = entry.second->values;
      return std::binary_search(values.begin(), values.end(), dimension.rows[row][entry.first]);
    };
    if (std::all_of(terms.begin(), terms.end(), holds)) result.rows.push_back(row);
  }
  return result;
}

ExcludedBox BoxOf(const StageSpec& stage, const Exclude& rule) {
  ExcludedBox box;
  for (std::size_t d = 0; d < stage.dimensions.size(); ++d) {
    Rows found = RowsOf(stage.dimensions[d], rule);
    if (!found.named) continue;
    box.empty = box.empty || found.rows.empty();
    ExcludedBox::Side side{.dimension = d, .rows = std::move(found.rows), .has = {}};
    side.has.resize(stage.dimensions[d].rows.size());
    for (const std::uint32_t row : side.rows) side.has[row] = true;
    box.sides.push_back(std::move(side));
  }
  return box;
}

}  // namespace

std::vector<ExcludedBox> BoxesOf(const StageSpec& stage) {
  std::vector<ExcludedBox> boxes;
  boxes.reserve(stage.excludes.size());
  for (const Exclude& rule : stage.excludes) boxes.push_back(BoxOf(stage, rule));
  return boxes;
}

bool NamesSeed(const StageSpec& stage, const Exclude& rule) {
  return std::any_of(rule.terms.begin(), rule.terms.end(), [&](const Exclude::Term& term) {
    return stage.axes[term.axis].kind == AxisKind::kSeed;
  });
}

}  // namespace fusor
