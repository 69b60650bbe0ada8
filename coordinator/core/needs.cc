#include "coordinator/core/needs.h"

#include "common/base/check.h"

namespace fusor::core {

namespace {

enum class InputKind { kWaiting, kFailed, kSucceeded };

InputKind KindOf(std::optional<TrialState> state) {
  if (!state || !IsTerminal(*state)) return InputKind::kWaiting;
  return *state == TrialState::kSucceeded ? InputKind::kSucceeded : InputKind::kFailed;
}

}  // namespace

NeedGroups::NeedGroups(const Grid& here, const Need& need, const Grid& there,
                       const CellStates& states)
    : here_(here), need_(need), there_(there), states_(states) {}

std::uint64_t NeedGroups::GroupOfHere(std::uint64_t cell) const {
  std::uint64_t group = 0;
  for (const auto& [axis_here, axis_there] : need_.match) {
    group = group * here_.stage().axes[axis_here].values.size() + here_.ValueIndex(cell, axis_here);
  }
  return group;
}

std::optional<std::uint64_t> NeedGroups::GroupOfThere(std::uint64_t cell) const {
  std::uint64_t group = 0;
  for (const auto& [axis_here, axis_there] : need_.match) {
    const auto index = here_.IndexOf(axis_here, there_.ValueAt(cell, axis_there));
    if (!index) return std::nullopt;
    group = group * here_.stage().axes[axis_here].values.size() + *index;
  }
  return group;
}

CellWalk::Rows NeedGroups::RowsOf(std::uint64_t group) const {
  CellWalk::Rows rows;
  for (std::size_t i = need_.match.size(); i-- > 0;) {
    const std::size_t axis = need_.match[i].first;
    const std::uint64_t size = here_.stage().axes[axis].values.size();
    CellWalk::Narrow(here_, axis, static_cast<std::uint32_t>(group % size), rows);
    group /= size;
  }
  return rows;
}

std::vector<std::uint64_t> NeedGroups::InputCells(std::uint64_t cell) const {
  return InputsOf(here_, need_, there_, cell);
}

NeedGroups::Inputs NeedGroups::Count(std::uint64_t group) const {
  const auto first = CellWalk(here_, RowsOf(group)).Next(0);
  Inputs inputs;
  if (!first) return inputs;
  for (const std::uint64_t input : InputCells(*first)) {
    const InputKind kind = KindOf(states_.Get(input));
    if (kind == InputKind::kWaiting) ++inputs.waiting;
    if (kind == InputKind::kFailed) ++inputs.failed;
  }
  return inputs;
}

NeedGroups::Inputs NeedGroups::InputsOfGroup(std::uint64_t group) {
  const auto found = begun_.find(group);
  if (found != begun_.end()) return found->second;
  const Inputs inputs = Count(group);
  if (inputs.waiting > 0 || inputs.failed > 0) begun_[group] = inputs;
  return inputs;
}

void NeedGroups::InputMoved(std::uint64_t group, std::optional<TrialState> from, TrialState to) {
  const auto found = begun_.find(group);
  // A group that was not begun is counted from the states, which have moved already.
  if (found == begun_.end()) return;
  Inputs& inputs = found->second;
  const InputKind before = KindOf(from);
  const InputKind after = KindOf(to);
  if (before == after) return;
  CHECK(before != InputKind::kWaiting || inputs.waiting > 0);
  CHECK(before != InputKind::kFailed || inputs.failed > 0);
  if (before == InputKind::kWaiting) --inputs.waiting;
  if (before == InputKind::kFailed) --inputs.failed;
  if (after == InputKind::kWaiting) ++inputs.waiting;
  if (after == InputKind::kFailed) ++inputs.failed;
  if (inputs.waiting == 0 && inputs.failed == 0) begun_.erase(found);
}

}  // namespace fusor::core
