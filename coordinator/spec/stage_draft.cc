#include "coordinator/spec/stage_draft.h"

namespace fusor {

StageDraft::Written StageDraft::WhereIs(std::string_view name) const {
  const auto found = written.find(name);
  if (found != written.end()) return found->second;
  return {entry->place, entry->source, path};
}

std::vector<std::string> AxisNames(const StageSpec& stage) {
  std::vector<std::string> names;
  for (const Axis& axis : stage.axes) names.push_back(axis.name);
  return names;
}

std::optional<std::size_t> FindAxis(const StageSpec& stage, std::string_view name) {
  if (name == "seeds") name = "seed";
  for (std::size_t i = 0; i < stage.axes.size(); ++i) {
    if (stage.axes[i].name == name) return i;
  }
  return std::nullopt;
}

std::vector<std::vector<std::uint32_t>> PlainRows(std::size_t count) {
  std::vector<std::vector<std::uint32_t>> rows(count);
  for (std::size_t i = 0; i < count; ++i) rows[i] = {static_cast<std::uint32_t>(i)};
  return rows;
}

}  // namespace fusor
