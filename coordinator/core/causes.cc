#include "coordinator/core/causes.h"

#include <set>

#include "coordinator/core/trials.h"

namespace fusor::core {

namespace {

class Search {
 public:
  explicit Search(std::size_t limit) : limit_(limit) {}

  // `way` leads from the skipped trial to this one: "needs 7.fusion.0, which ".
  void Look(const Stage& stage, std::uint64_t cell, const std::string& way) {
    for (const auto& need : stage.needs) {
      if (IsFull()) return;
      const Stage& there = *stage.sweep->stages[need->need().stage];
      if (!there.failed.empty() && given_up_.insert(there.index).second) {
        causes_.push_back(
            {way + "needs stage " + there.spec->name + ", which was given up: " + there.failed,
             std::nullopt});
      }
      for (const std::uint64_t input : need->InputCells(cell)) {
        if (IsFull()) return;
        LookAt(there, input, way);
      }
    }
  }

  std::vector<Cause> Take() { return std::move(causes_); }

 private:
  void LookAt(const Stage& there, std::uint64_t input, const std::string& way) {
    const TrialState state = StateOf(there, input);
    if (!IsTerminal(state) || state == TrialState::kSucceeded) return;
    const TrialKey key = KeyOf(there, input);
    if (!seen_.insert(key).second) return;
    const std::string here = way + "needs " + TextOf(key, there) + ", which ";
    if (state == TrialState::kSkipped) {
      Look(there, input, here);
      return;
    }
    // What a stage's failure canceled is said once, by the stage.
    if (state == TrialState::kCanceled && !there.failed.empty()) return;
    const Trial* trial = FindTrial(there, input);
    const std::string why =
        trial == nullptr || trial->row.reason.empty() ? "" : ": " + trial->row.reason;
    causes_.push_back(
        {here + (state == TrialState::kFailed ? "failed" : "was canceled") + why, key});
  }

  bool IsFull() const { return causes_.size() >= limit_; }

  const std::size_t limit_;
  std::set<TrialKey> seen_;
  std::set<std::uint32_t> given_up_;  // stages
  std::vector<Cause> causes_;
};

}  // namespace

std::vector<Cause> CausesOf(const Stage& stage, std::uint64_t cell, std::size_t limit) {
  Search search(limit);
  search.Look(stage, cell, "");
  return search.Take();
}

}  // namespace fusor::core
