#pragma once

// Lists of trials, cells without a row merged in: which trials of a sweep are in which state.
// Reader threads; the core is asked in slices, so that a sweep of millions never holds the loop up.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "coordinator/core/state.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/spec_cache.h"
#include "coordinator/spec/filter.h"

namespace fusor {

// The states of all cells of a stage; cells that are no trials are nothing.
Result<std::vector<std::optional<TrialState>>> StatesOf(const Edge& edge, SweepId sweep,
                                                        const SweepModel& model,
                                                        std::uint32_t stage);

struct TrialListQuestion {
  SweepId sweep;
  std::shared_ptr<const SweepModel> model;
  std::vector<TrialState> states;      // empty = all
  std::optional<std::uint32_t> stage;  // nothing = all
  Filter filter;
  std::optional<TrialPosition> after;
  std::size_t limit = 1'000;
};

struct ListedTrial {
  TrialPosition position;
  TrialState state = TrialState::kReady;
  std::optional<PutTrial> row;
};

struct TrialList {
  std::vector<ListedTrial> trials;
  std::uint64_t total = 0;  // over all pages
  bool more = false;
};

Result<TrialList> ListTrials(const Edge& edge, const TrialListQuestion& question);

// The state of a cell without a row as far as state.db alone tells, for when the core cannot be
// asked: only the core knows which of them are skipped.
TrialState StateWithoutRow(SweepState sweep, const StageSpec& stage);

// "2:17": the page behind stage 2, cell 17.
std::string PageToken(const TrialPosition& position);
Result<std::optional<TrialPosition>> ParsePageToken(const std::string& token);

}  // namespace fusor
