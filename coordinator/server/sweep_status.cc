#include "coordinator/server/sweep_status.h"

#include <algorithm>
#include <utility>

#include "coordinator/server/trial_listing.h"

namespace fusor {

namespace {

constexpr Duration kKeptFor{1'000};
// By then even the attempts of a canceled sweep have ended.
constexpr Duration kSettledAfter{600'000};
constexpr std::size_t kSweepsKept = 1'024;
constexpr std::uint32_t kClassesAsked = 16;

bool IsOver(SweepState state) {
  return state == SweepState::kFinished || state == SweepState::kCanceled;
}

// What state.db alone says, for when the core cannot be asked.
StateCounts CountsFromRows(const SweepStatus& status, std::uint32_t stage) {
  StateCounts counts{};
  const auto found = status.totals.stages.find(stage);
  if (found != status.totals.stages.end()) counts = found->second;
  std::uint64_t rows = 0;
  for (const std::uint64_t count : counts) rows += count;
  const std::uint64_t trials = status.model->grid(stage).TrialCount();
  const TrialState rest = StateWithoutRow(status.row.state, status.model->spec->stages[stage]);
  counts[static_cast<std::size_t>(rest)] += trials - std::min(trials, rows);
  return counts;
}

void CountFromRows(SweepStatus& status) {
  for (std::uint32_t stage = 0; stage < status.model->grids.size(); ++stage) {
    status.counts.push_back(CountsFromRows(status, stage));
  }
}

}  // namespace

StateCounts SweepStatus::AllCounts() const {
  StateCounts all{};
  for (const StateCounts& each : counts) {
    for (std::size_t i = 0; i < all.size(); ++i) all[i] += each[i];
  }
  return all;
}

bool SweepStatus::complete() const {
  const StateCounts all = AllCounts();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] > 0 && !IsTerminal(static_cast<TrialState>(i))) return false;
  }
  return true;
}

std::int64_t SweepStatus::wall_ms() const {
  if (totals.first_started == kNever) return 0;
  const bool over = complete() && totals.last_ended != kNever;
  return ((over ? totals.last_ended : now) - totals.first_started).count();
}

double SweepStatus::utilisation() const {
  const double available = static_cast<double>(wall_ms()) * static_cast<double>(slots_fitting);
  if (available <= 0) return 0;
  return std::min(1.0, static_cast<double>(totals.slot_ms) / available);
}

Result<SweepStatusReader::Kept> SweepStatusReader::Sums(const PutSweep& row,
                                                        const SweepModel& model, Time now) {
  {
    const std::lock_guard lock(mu_);
    const auto found = kept_.find(row.id.value);
    if (found != kept_.end()) {
      const Kept& kept = found->second;
      const bool settled = IsOver(row.state) && kept.at - row.ended > kSettledAfter;
      const bool fresh = now - kept.at < kKeptFor;
      if (kept.ended == row.ended && (settled || fresh)) return kept;
    }
  }
  Result<SweepTotals> totals = edge_.readers->state->Totals(row.id, now);
  if (!totals.ok()) return totals.status();
  const Goal goal = model.spec->objective.maximize ? Goal::kMaximize : Goal::kMinimize;
  Result<std::optional<PutTrial>> best = edge_.readers->state->Best(row.id, {}, goal);
  if (!best.ok()) return best.status();
  const std::lock_guard lock(mu_);
  if (kept_.size() >= kSweepsKept) kept_.clear();
  return kept_[row.id.value] = {now, row.ended, std::move(*totals), std::move(*best)};
}

Result<std::vector<SweepStatus>> SweepStatusReader::Read(std::vector<PutSweep> rows) {
  std::vector<SweepStatus> statuses;
  const Time now = edge_.clock->Now();
  for (PutSweep& row : rows) {
    Result<std::shared_ptr<const SweepModel>> model = edge_.specs->Get(row);
    if (!model.ok()) return model.status();
    Result<Kept> sums = Sums(row, **model, now);
    if (!sums.ok()) return sums.status();
    statuses.push_back(
        {std::move(row), *model, std::move(sums->totals), std::move(sums->best), {}, 0, now});
  }
  std::vector<std::vector<StateCounts>> counts(statuses.size());
  const Status asked = AskCore(edge_, [&](const Core& core, Time) {
    for (std::size_t i = 0; i < statuses.size(); ++i) {
      for (const SweepView::Stage& stage : core.ViewSweep(statuses[i].row.id).stages) {
        counts[i].push_back(stage.counts);
      }
    }
  });
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    if (asked.ok() && counts[i].size() == statuses[i].model->grids.size()) {
      statuses[i].counts = std::move(counts[i]);
    } else {
      CountFromRows(statuses[i]);
    }
  }
  return statuses;
}

Result<SweepStatus> SweepStatusReader::Read(SweepId sweep) {
  Result<PutSweep> row = edge_.readers->state->GetSweep(sweep);
  if (!row.ok()) return row.status();
  Result<std::vector<SweepStatus>> read = Read(std::vector<PutSweep>{std::move(*row)});
  if (!read.ok()) return read.status();
  SweepStatus status = std::move(read->front());
  // Without an answer the utilisation stays unknown.
  (void)AskCore(edge_, [&](const Core& core, Time) {
    for (const auto& grid : status.model->grids) {
      for (std::uint32_t i = 0; i < std::min(grid->ClassCount(), kClassesAsked); ++i) {
        const FitReport fit = core.Fit(grid->RequirementOf(i));
        status.slots_fitting = std::max(status.slots_fitting,
                                        static_cast<std::uint64_t>(std::max(0, fit.slots_fitting)));
      }
    }
  });
  return status;
}

}  // namespace fusor
