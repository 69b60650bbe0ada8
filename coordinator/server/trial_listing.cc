#include "coordinator/server/trial_listing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace fusor {

namespace {

// About a millisecond of the loop's time.
constexpr std::uint64_t kSlice = 32'768;

using States = std::vector<std::optional<TrialState>>;

// Reads states slice by slice and remembers the current one.
class StateSlices {
 public:
  StateSlices(const Edge& edge, SweepId sweep, std::uint32_t stage, const Grid& grid)
      : edge_(edge), sweep_(sweep), stage_(stage), grid_(grid) {}

  Result<std::optional<TrialState>> At(std::uint64_t cell) {
    if (cell < from_ || cell >= from_ + slice_.size()) RETURN_IF_ERROR(Load(cell));
    return slice_[cell - from_];
  }

  Status Load(std::uint64_t from) {
    from_ = from;
    slice_.clear();
    const std::uint64_t count = std::min(kSlice, grid_.size() - from);
    const Status asked = AskCore(
        edge_, [&](const Core& core, Time) { slice_ = core.States(sweep_, stage_, from, count); });
    if (asked.code() == Code::kUnavailable) return LoadRows(from, count);
    RETURN_IF_ERROR(asked);
    if (slice_.size() < count) return NotFound("no sweep " + std::to_string(sweep_.value));
    return Ok();
  }

  const States& slice() const { return slice_; }

 private:
  // What state.db alone says.
  Status LoadRows(std::uint64_t from, std::uint64_t count) {
    const Result<PutSweep> sweep = edge_.readers->state->GetSweep(sweep_);
    if (!sweep.ok()) return sweep.status();
    const TrialState rest = StateWithoutRow(sweep->state, grid_.stage());
    for (std::uint64_t cell = from; cell < from + count; ++cell) {
      slice_.push_back(grid_.IsTrial(cell) ? std::optional(rest) : std::nullopt);
    }
    TrialQuery query;
    query.sweep = sweep_;
    query.stage = stage_;
    if (from > 0) query.after = TrialPosition{stage_, from - 1};
    query.limit = count;
    const auto rows = edge_.readers->state->ListStates(query);
    if (!rows.ok()) return rows.status();
    for (const StateReader::TrialStateAt& row : *rows) {
      if (row.position.cell - from < count) slice_[row.position.cell - from] = row.state;
    }
    return Ok();
  }

  const Edge& edge_;
  const SweepId sweep_;
  const std::uint32_t stage_;
  const Grid& grid_;
  std::uint64_t from_ = 0;
  States slice_;
};

class Lister {
 public:
  Lister(const Edge& edge, const TrialListQuestion& question) : edge_(edge), question_(question) {
    wanted_.fill(question.states.empty());
    for (const TrialState state : question.states) wanted_[static_cast<std::size_t>(state)] = true;
  }

  Result<TrialList> List() {
    bool all_counted = question_.filter.terms.empty();
    if (all_counted) {
      const Status counted = CountByState();
      // Then they are counted one by one.
      all_counted = counted.code() != Code::kUnavailable;
      if (all_counted) RETURN_IF_ERROR(counted);
    }
    for (std::uint32_t stage = 0; stage < question_.model->grids.size(); ++stage) {
      if (!Asked(stage)) continue;
      // With a filter every stage is walked for the total; without one only for the page.
      const bool for_page = !list_.more && (!question_.after || stage >= question_.after->stage);
      if (all_counted && !for_page) continue;
      RETURN_IF_ERROR(Walk(stage, all_counted));
    }
    RETURN_IF_ERROR(AddRows());
    return std::move(list_);
  }

 private:
  bool Asked(std::uint32_t stage) const { return !question_.stage || *question_.stage == stage; }

  Status CountByState() {
    return AskCore(edge_, [&](const Core& core, Time) {
      const std::vector<SweepView::Stage> stages = core.ViewSweep(question_.sweep).stages;
      for (std::uint32_t stage = 0; stage < stages.size(); ++stage) {
        if (!Asked(stage)) continue;
        for (std::size_t i = 0; i < wanted_.size(); ++i) {
          if (wanted_[i]) list_.total += stages[stage].counts[i];
        }
      }
    });
  }

  bool BehindAfter(const TrialPosition& position) const {
    return !question_.after || position > *question_.after;
  }

  Status Walk(std::uint32_t stage, bool all_counted) {
    const Grid& grid = question_.model->grid(stage);
    const CellFilter filter(question_.filter, grid);
    if (filter.MatchesNothing()) return Ok();
    StateSlices slices(edge_, question_.sweep, stage, grid);
    const bool any_state = question_.states.empty();
    std::uint64_t first = 0;
    if (all_counted && question_.after && question_.after->stage == stage) {
      first = question_.after->cell + 1;
    }
    for (auto cell = grid.NextTrial(first); cell; cell = grid.NextTrial(*cell + 1)) {
      if (!filter.Matches(*cell)) continue;
      const TrialPosition position{stage, *cell};
      const bool for_page = BehindAfter(position) && !list_.more;
      if (all_counted && !for_page) return Ok();
      if (any_state && !for_page) {
        ++list_.total;
        continue;
      }
      const Result<std::optional<TrialState>> state = slices.At(*cell);
      if (!state.ok()) return state.status();
      if (!*state || !wanted_[static_cast<std::size_t>(**state)]) continue;
      if (!all_counted) ++list_.total;
      if (for_page) Take(position, **state);
    }
    return Ok();
  }

  void Take(const TrialPosition& position, TrialState state) {
    if (list_.trials.size() == question_.limit) {
      list_.more = true;
    } else {
      list_.trials.push_back({position, state, {}});
    }
  }

  Status AddRows() {
    if (list_.trials.empty()) return Ok();
    if (question_.filter.terms.empty() && question_.states.empty()) return AddAdjacentRows();
    for (ListedTrial& trial : list_.trials) {
      Result<std::optional<PutTrial>> row = edge_.readers->state->FindTrial(
          {question_.sweep, trial.position.stage, trial.position.cell});
      if (!row.ok()) return row.status();
      trial.row = std::move(*row);
    }
    return Ok();
  }

  // The page is every trial between two places: its rows come in one read.
  Status AddAdjacentRows() {
    TrialQuery query;
    query.sweep = question_.sweep;
    query.stage = question_.stage;
    query.after = question_.after;
    query.limit = list_.trials.size();
    Result<std::vector<PutTrial>> rows = edge_.readers->state->ListTrials(query);
    if (!rows.ok()) return rows.status();
    auto row = rows->begin();
    for (ListedTrial& trial : list_.trials) {
      while (row != rows->end() && TrialPosition{row->key.stage, row->key.cell} < trial.position)
        ++row;
      if (row == rows->end()) break;
      if (TrialPosition{row->key.stage, row->key.cell} == trial.position)
        trial.row = std::move(*row);
    }
    return Ok();
  }

  const Edge& edge_;
  const TrialListQuestion& question_;
  std::array<bool, kTrialStates> wanted_{};
  TrialList list_;
};

}  // namespace

TrialState StateWithoutRow(SweepState sweep, const StageSpec& stage) {
  if (sweep == SweepState::kCanceled) return TrialState::kCanceled;
  return stage.needs.empty() ? TrialState::kReady : TrialState::kBlocked;
}

Result<std::vector<std::optional<TrialState>>> StatesOf(const Edge& edge, SweepId sweep,
                                                        const SweepModel& model,
                                                        std::uint32_t stage) {
  const std::uint64_t size = model.grid(stage).size();
  StateSlices slices(edge, sweep, stage, model.grid(stage));
  States states;
  states.reserve(size);
  while (states.size() < size) {
    RETURN_IF_ERROR(slices.Load(states.size()));
    states.insert(states.end(), slices.slice().begin(), slices.slice().end());
  }
  return states;
}

Result<TrialList> ListTrials(const Edge& edge, const TrialListQuestion& question) {
  return Lister(edge, question).List();
}

std::string PageToken(const TrialPosition& position) {
  return std::to_string(position.stage) + ":" + std::to_string(position.cell);
}

Result<std::optional<TrialPosition>> ParsePageToken(const std::string& token) {
  if (token.empty()) return std::optional<TrialPosition>();
  TrialPosition position;
  const char* end = token.data() + token.size();
  const auto stage = std::from_chars(token.data(), end, position.stage);
  if (stage.ec == std::errc() && stage.ptr != end && *stage.ptr == ':') {
    const auto cell = std::from_chars(stage.ptr + 1, end, position.cell);
    if (cell.ec == std::errc() && cell.ptr == end) return std::optional(position);
  }
  return InvalidArgument("page_token: not one of this server's");
}

}  // namespace fusor
