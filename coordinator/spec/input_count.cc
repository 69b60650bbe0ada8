#include "coordinator/spec/input_count.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "common/base/limits.h"
#include "coordinator/core/cell_counter.h"
#include "coordinator/core/grid.h"

namespace fusor {

namespace {

constexpr std::uint64_t kCombinationsMax = limits::kCellsPerSweepMax;

// Where an axis stands in its stage's dimensions.
struct Place {
  std::size_t dimension = 0;
  std::size_t column = 0;
};

Place PlaceOf(const StageSpec& stage, std::size_t axis) {
  for (std::size_t d = 0; d < stage.dimensions.size(); ++d) {
    const auto& axes = stage.dimensions[d].axes;
    const auto found = std::find(axes.begin(), axes.end(), axis);
    if (found != axes.end()) return {d, static_cast<std::size_t>(found - axes.begin())};
  }
  return {};
}

// Rows of the needing stage that lead to equal counts are looked at together: what a matched value
// changes there is only whether it is found, and which exclude rules name it.
class Counter {
 public:
  Counter(const StageSpec& here, const Need& need, const StageSpec& there)
      : here_(here),
        there_(there),
        grid_there_(there),
        boxes_there_(BoxesOf(there)),
        counter_here_(here),
        counter_there_(there) {
    for (const auto& [axis_here, axis_there] : need.match) {
      pairs_.push_back(
          {axis_here, axis_there, PlaceOf(here, axis_here), PlaceOf(there, axis_there)});
    }
    for (std::size_t d = 0; d < here.dimensions.size(); ++d) GroupRows(d);
  }

  InputCount Count() const {
    InputCount result;
    result.too_many = combinations_ > kCombinationsMax;
    if (result.too_many) return result;
    result.least = std::numeric_limits<std::uint64_t>::max();
    std::vector<std::size_t> at(sides_.size(), 0);  // the present group of each side
    do {
      const std::uint64_t inputs = InputsAt(at);
      // Combinations that no trial has do not count; they are asked for only when they would
      // matter.
      if (inputs >= result.least && inputs <= result.most) continue;
      CellCounter::Rows rows;
      for (std::size_t i = 0; i < at.size(); ++i)
        rows[sides_[i].dimension] = sides_[i].groups[at[i]];
      if (counter_here_.Count(rows).trials == 0) continue;
      result.least = std::min(result.least, inputs);
      result.most = std::max(result.most, inputs);
      if (inputs == 0 && result.starving.empty()) result.starving = Words(std::move(rows));
    } while (Next(at));
    return result;
  }

 private:
  struct Pair {
    std::size_t here = 0;
    std::size_t there = 0;
    Place place_here;
    Place place_there;
  };
  using Row = std::uint32_t;
  // A dimension of the needing stage that has matched axes, its rows in groups of equal effect.
  struct Side {
    std::size_t dimension = 0;
    std::vector<std::vector<Row>> groups;
  };

  std::optional<Row> IndexThere(const Pair& pair, Row row) const {
    const Row index = here_.dimensions[pair.place_here.dimension].rows[row][pair.place_here.column];
    return grid_there_.IndexOf(pair.there, here_.axes[pair.here].values[index]);
  }

  bool IsPlainThere(const Pair& pair) const {
    return !there_.drawn && there_.dimensions[pair.place_there.dimension].axes.size() == 1;
  }

  // What the row's value does to the count, as numbers that are equal for rows of equal effect.
  void AppendEffect(const Pair& pair, Row row, std::vector<std::uint64_t>& effect) const {
    const auto index = IndexThere(pair, row);
    effect.push_back(index ? 1 : 0);
    if (!index) return;
    if (!IsPlainThere(pair)) {
      effect.push_back(*index);
      return;
    }
    for (std::size_t rule = 0; rule < boxes_there_.size(); ++rule) {
      for (const ExcludedBox::Side& side : boxes_there_[rule].sides) {
        const bool hit = side.dimension == pair.place_there.dimension && side.has[*index];
        if (hit) effect.push_back(rule + 2);
      }
    }
    effect.push_back(0);
  }

  void GroupRows(std::size_t dimension) {
    std::map<std::vector<std::uint64_t>, std::vector<Row>> groups;
    bool matched = false;
    for (Row row = 0; row < here_.dimensions[dimension].rows.size(); ++row) {
      std::vector<std::uint64_t> effect;
      for (const Pair& pair : pairs_) {
        if (pair.place_here.dimension == dimension) AppendEffect(pair, row, effect);
      }
      matched = !effect.empty();
      if (!matched) return;
      groups[std::move(effect)].push_back(row);
    }
    Side side{.dimension = dimension, .groups = {}};
    for (auto& [effect, rows] : groups) side.groups.push_back(std::move(rows));
    combinations_ =
        combinations_ > kCombinationsMax ? combinations_ : combinations_ * side.groups.size();
    sides_.push_back(std::move(side));
  }

  bool Next(std::vector<std::size_t>& at) const {
    for (std::size_t i = at.size(); i-- > 0;) {
      if (++at[i] < sides_[i].groups.size()) return true;
      at[i] = 0;
    }
    return false;
  }

  // Inputs of a trial that has the first row of each group.
  std::uint64_t InputsAt(const std::vector<std::size_t>& at) const {
    CellCounter::Rows rows;
    for (std::size_t i = 0; i < at.size(); ++i) {
      const Row row = sides_[i].groups[at[i]].front();
      for (const Pair& pair : pairs_) {
        if (pair.place_here.dimension != sides_[i].dimension) continue;
        const auto index = IndexThere(pair, row);
        if (!index) return 0;
        Narrow(pair.place_there, *index, rows);
      }
    }
    return counter_there_.Count(rows).trials;
  }

  void Narrow(const Place& place, Row index, CellCounter::Rows& rows) const {
    const Dimension& dimension = there_.dimensions[place.dimension];
    const auto differs = [&](Row row) { return dimension.rows[row][place.column] != index; };
    const auto [entry, fresh] = rows.try_emplace(place.dimension);
    if (!fresh) {
      std::erase_if(entry->second, differs);
    } else if (dimension.axes.size() == 1) {
      entry->second = {index};
    } else {
      for (Row row = 0; row < dimension.rows.size(); ++row) {
        if (!differs(row)) entry->second.push_back(row);
      }
    }
  }

  // The matched values of one trial among the rows.
  std::string Words(CellCounter::Rows rows) const {
    for (auto& [dimension, group] : rows) {
      for (const Row row : std::vector<Row>(group)) {
        group = {row};
        if (counter_here_.Count(rows).trials > 0) break;
      }
    }
    // Where all rows have the same effect, the value is not what is wrong.
    const auto matters = [&](const Pair& pair) {
      return std::any_of(sides_.begin(), sides_.end(), [&](const Side& side) {
        return side.dimension == pair.place_here.dimension && side.groups.size() > 1;
      });
    };
    const bool any_matters = std::any_of(pairs_.begin(), pairs_.end(), matters);
    std::string words;
    for (const Pair& pair : pairs_) {
      if (any_matters && !matters(pair)) continue;
      const Row row = rows.at(pair.place_here.dimension).front();
      const Dimension& dimension = here_.dimensions[pair.place_here.dimension];
      const Axis& axis = here_.axes[pair.here];
      words += (words.empty() ? "" : ", ") + axis.name + '=' +
               DisplayText(axis.values[dimension.rows[row][pair.place_here.column]]);
    }
    return words;
  }

  const StageSpec& here_;
  const StageSpec& there_;
  Grid grid_there_;
  std::vector<ExcludedBox> boxes_there_;
  CellCounter counter_here_;
  CellCounter counter_there_;
  std::vector<Pair> pairs_;
  std::vector<Side> sides_;
  std::uint64_t combinations_ = 1;
};

}  // namespace

InputCount CountInputs(const StageSpec& here, const Need& need, const StageSpec& there) {
  return Counter(here, need, there).Count();
}

}  // namespace fusor
