#include "coordinator/server/results.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

namespace fusor {

namespace {

// Sums of one metric over a row's trials, by Welford's method.
struct Sum {
  std::uint32_t count = 0;
  double mean = 0;
  double squares = 0;
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();

  void Add(double value) {
    ++count;
    const double off = value - mean;
    mean += off / count;
    squares += off * (value - mean);
    min = std::min(min, value);
    max = std::max(max, value);
  }
};

// The two-sided 95 % point of Student's t.
double StudentT95(std::uint32_t freedom) {
  constexpr double kSmall[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                               2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                               2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                               2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
  if (freedom <= std::size(kSmall)) return kSmall[freedom - 1];
  // Cornish and Fisher's expansion around the normal's 1.96, right to four digits from here on.
  const double n = freedom;
  return 1.959964 + 2.372271 / n + 2.8225 / (n * n);
}

struct Row {
  ResultsRow shown;
  std::vector<Sum> sums;
};

// What tells rows apart: the values of all axes but the seed, and the precision where it is
// another.
struct Key {
  std::vector<std::uint32_t> values;
  std::string precision_used;
  friend auto operator<=>(const Key&, const Key&) = default;
};

class Builder {
 public:
  explicit Builder(const ResultsQuestion& question)
      : question_(question), grid_(question.model->grid(question.stage)) {
    const StageSpec& stage = grid_.stage();
    for (std::size_t i = 0; i < stage.axes.size(); ++i) {
      if (stage.axes[i].kind != AxisKind::kSeed) axes_.push_back(i);
    }
    for (const ResultsTrial& trial : *question.trials) {
      if (trial.position.stage == question.stage) trials_[trial.position.cell] = &trial;
    }
    for (const TrialValue& value : *question.values) {
      if (value.trial.stage == question.stage) values_[value.trial.cell].push_back(&value);
    }
  }

  ResultsTable Build() {
    const CellFilter filter(*question_.filter, grid_);
    for (std::uint64_t cell = 0; cell < question_.states->size(); ++cell) {
      const std::optional<TrialState> state = (*question_.states)[cell];
      if (state && filter.Matches(cell)) Take(cell, *state);
    }
    ResultsTable table{question_.stage, grid_.stage().name, {}, question_.metrics, {}};
    for (const std::size_t axis : axes_) table.axes.push_back(grid_.stage().axes[axis].name);
    for (auto& [key, row] : rows_) table.rows.push_back(Finish(row));
    SortRows(table);
    return table;
  }

 private:
  void Take(std::uint64_t cell, TrialState state) {
    const auto found = trials_.find(cell);
    const ResultsTrial* trial = found == trials_.end() ? nullptr : found->second;
    Row& row = RowOf(cell, trial);
    row.shown.cells.push_back(cell);
    if (state == TrialState::kSucceeded) {
      ++row.shown.succeeded;
    } else if (IsTerminal(state)) {
      ++row.shown.failed;
    } else {
      ++row.shown.open;
    }
    if (trial != nullptr) row.shown.running_ms += trial->running_ms;
    // What did not succeed is no result.
    if (state != TrialState::kSucceeded) return;
    for (const TrialValue* value : values_[cell]) {
      const auto metric =
          std::find(question_.metrics.begin(), question_.metrics.end(), value->metric);
      if (metric == question_.metrics.end()) continue;
      row.sums[static_cast<std::size_t>(metric - question_.metrics.begin())].Add(value->value);
    }
  }

  Row& RowOf(std::uint64_t cell, const ResultsTrial* trial) {
    Key key;
    for (const std::size_t axis : axes_) key.values.push_back(grid_.ValueIndex(cell, axis));
    if (trial != nullptr) key.precision_used = trial->precision_used;
    const auto [place, added] = rows_.try_emplace(std::move(key));
    Row& row = place->second;
    if (added) {
      for (const std::size_t axis : axes_) {
        row.shown.axis_values.push_back(DisplayText(grid_.ValueAt(cell, axis)));
      }
      row.shown.precision_used = place->first.precision_used;
      row.sums.resize(question_.metrics.size());
    }
    return row;
  }

  ResultsRow Finish(Row& row) const {
    for (std::size_t i = 0; i < row.sums.size(); ++i) {
      const Sum& sum = row.sums[i];
      ResultsValue value{question_.metrics[i], sum.count, sum.mean, 0, 0, 0, 0};
      if (sum.count > 0) {
        value.min = sum.min;
        value.max = sum.max;
      }
      if (sum.count > 1) {
        value.spread = std::sqrt(sum.squares / (sum.count - 1));
        value.interval = StudentT95(sum.count - 1) * value.spread / std::sqrt(sum.count);
      }
      row.shown.values.push_back(value);
    }
    return std::move(row.shown);
  }

  // Rows without a finite value of the first metric come last; equals stay in the grid's order.
  void SortRows(ResultsTable& table) const {
    if (table.metrics.empty()) return;
    const Objective& objective = question_.model->spec->objective;
    const bool maximize = table.metrics[0] != objective.metric || objective.maximize;
    const auto rank = [&](const ResultsRow& row) {
      const ResultsValue& value = row.values[0];
      if (value.count == 0 || !std::isfinite(value.mean)) {
        return std::numeric_limits<double>::infinity();
      }
      return maximize ? -value.mean : value.mean;
    };
    std::stable_sort(table.rows.begin(), table.rows.end(),
                     [&](const ResultsRow& a, const ResultsRow& b) { return rank(a) < rank(b); });
  }

  const ResultsQuestion& question_;
  const Grid& grid_;
  std::vector<std::size_t> axes_;
  std::map<std::uint64_t, const ResultsTrial*> trials_;
  std::map<std::uint64_t, std::vector<const TrialValue*>> values_;
  std::map<Key, Row> rows_;
};

}  // namespace

ResultsTable MakeResults(const ResultsQuestion& question) { return Builder(question).Build(); }

}  // namespace fusor
