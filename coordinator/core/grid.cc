#include "coordinator/core/grid.h"

#include <algorithm>
#include <numeric>

#include "common/base/check.h"
#include "coordinator/core/cell_counter.h"

namespace fusor {

namespace {

constexpr std::size_t kSearchedLinearly = 16;
constexpr std::size_t kValueInNameMax = 32;
constexpr std::size_t kNameMax = 160;

// Data that a recipe makes itself is on every worker.
std::string DatasetOf(const std::string& name) {
  return name == "none" || name == "synthetic" ? "" : name;
}

std::string FallbackOf(const StageSpec& stage, const std::string& precision) {
  const auto found = stage.precision_fallback.find(precision);
  return found == stage.precision_fallback.end() ? "" : found->second;
}

bool IsClassAxis(const Axis& axis) {
  return axis.kind == AxisKind::kGpuType || axis.role == ParamRole::kPrecision ||
         axis.role == ParamRole::kDataset;
}

void Require(Requirement& requirement, const StageSpec& stage, ParamRole role,
             const std::string& value) {
  if (role == ParamRole::kDataset) requirement.dataset = DatasetOf(value);
  if (role != ParamRole::kPrecision) return;
  requirement.precision = value;
  requirement.fallback_precision = FallbackOf(stage, value);
}

// Letters, digits and "._+-" stay.
void AppendSafely(std::string& name, std::string_view text) {
  for (const char c : text.substr(0, kValueInNameMax)) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '+' || c == '-';
    name += safe ? c : '_';
  }
}

}  // namespace

Grid::Grid(const StageSpec& stage) : stage_(stage), boxes_(BoxesOf(stage)) {
  CHECK(!stage.dimensions.empty() && !stage.axes.empty());
  sides_.resize(stage.dimensions.size());
  for (std::size_t d = sides_.size(); d-- > 0;) {
    sides_[d] = {.stride = size_, .rows = stage.dimensions[d].rows.size()};
    if (d == 0) seed_block_ = size_;
    size_ *= sides_[d].rows;
  }
  PlaceAxes();
  FindClasses();
  base_params_ = stage.params;
  for (const Axis& axis : stage.axes) {
    if (axis.kind != AxisKind::kGpuType) base_params_[axis.name] = axis.values.at(0);
  }
}

void Grid::PlaceAxes() {
  places_.resize(stage_.axes.size());
  sorted_.resize(stage_.axes.size());
  for (std::size_t d = 0; d < stage_.dimensions.size(); ++d) {
    const Dimension& dimension = stage_.dimensions[d];
    for (std::size_t column = 0; column < dimension.axes.size(); ++column) {
      Place& place = places_[dimension.axes[column]];
      place.dimension = d;
      if (dimension.axes.size() == 1) continue;
      for (const auto& row : dimension.rows) place.value_of_row.push_back(row[column]);
    }
  }
  for (std::size_t a = 0; a < stage_.axes.size(); ++a) {
    const std::vector<Value>& values = stage_.axes[a].values;
    if (values.size() <= kSearchedLinearly) continue;
    sorted_[a].resize(values.size());
    std::iota(sorted_[a].begin(), sorted_[a].end(), 0U);
    std::sort(sorted_[a].begin(), sorted_[a].end(),
              [&](std::uint32_t x, std::uint32_t y) { return values[x] < values[y]; });
  }
}

void Grid::FindClasses() {
  base_requirement_.resources = stage_.resources;
  if (const Recipe* recipe = FindRecipe(stage_.recipe)) {
    for (const Param& param : recipe->params) {
      const auto value = stage_.params.find(param.name);
      const bool fixed =
          value != stage_.params.end() && std::holds_alternative<std::string>(value->second);
      if (fixed)
        Require(base_requirement_, stage_, param.role, std::get<std::string>(value->second));
    }
  }
  for (std::size_t a = 0; a < stage_.axes.size(); ++a) {
    if (!IsClassAxis(stage_.axes[a])) continue;
    class_axes_.push_back(a);
    class_count_ *= static_cast<std::uint32_t>(stage_.axes[a].values.size());
  }
}

std::uint64_t Grid::TrialCount() const {
  if (!trial_count_) trial_count_ = CellCounter(stage_).Count().trials;
  return *trial_count_;
}

bool Grid::IsTrial(std::uint64_t cell) const {
  if (cell >= size_) return false;
  if (stage_.drawn &&
      !std::binary_search(stage_.drawn->begin(), stage_.drawn->end(), cell % seed_block_)) {
    return false;
  }
  return !ExcludedBy(cell).has_value();
}

std::optional<std::uint64_t> Grid::NextTrial(std::uint64_t cell) const {
  while (cell < size_) {
    if (stage_.drawn) {
      const std::uint64_t block = cell - cell % seed_block_;
      const auto next =
          std::lower_bound(stage_.drawn->begin(), stage_.drawn->end(), cell % seed_block_);
      if (next == stage_.drawn->end()) {
        cell = block + seed_block_;
        continue;
      }
      cell = block + *next;
    }
    if (!ExcludedBy(cell)) return cell;
    ++cell;
  }
  return std::nullopt;
}

std::optional<std::size_t> Grid::ExcludedBy(std::uint64_t cell) const {
  for (std::size_t i = 0; i < boxes_.size(); ++i) {
    const auto inside = [&](const ExcludedBox::Side& side) {
      return side.has[RowAt(cell, side.dimension)];
    };
    const ExcludedBox& box = boxes_[i];
    if (!box.empty && std::all_of(box.sides.begin(), box.sides.end(), inside)) return i;
  }
  return std::nullopt;
}

std::uint32_t Grid::RowAt(std::uint64_t cell, std::size_t dimension) const {
  const Side& side = sides_[dimension];
  return static_cast<std::uint32_t>(cell / side.stride % side.rows);
}

std::uint32_t Grid::ValueIndex(std::uint64_t cell, std::size_t axis) const {
  const Place& place = places_[axis];
  const std::uint32_t row = RowAt(cell, place.dimension);
  return place.value_of_row.empty() ? row : place.value_of_row[row];
}

const Value& Grid::ValueAt(std::uint64_t cell, std::size_t axis) const {
  return stage_.axes[axis].values[ValueIndex(cell, axis)];
}

std::optional<std::uint32_t> Grid::IndexOf(std::size_t axis, const Value& value) const {
  const std::vector<Value>& values = stage_.axes[axis].values;
  if (sorted_[axis].empty()) {
    const auto found = std::find(values.begin(), values.end(), value);
    if (found == values.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - values.begin());
  }
  const auto found =
      std::lower_bound(sorted_[axis].begin(), sorted_[axis].end(), value,
                       [&](std::uint32_t index, const Value& v) { return values[index] < v; });
  if (found == sorted_[axis].end() || values[*found] != value) return std::nullopt;
  return *found;
}

std::uint32_t Grid::ClassOf(std::uint64_t cell) const {
  std::uint32_t number = 0;
  for (const std::size_t axis : class_axes_) {
    number = number * static_cast<std::uint32_t>(stage_.axes[axis].values.size()) +
             ValueIndex(cell, axis);
  }
  return number;
}

Requirement Grid::RequirementOf(std::uint32_t requirement_class) const {
  CHECK(requirement_class < class_count_);
  Requirement requirement = base_requirement_;
  for (std::size_t i = class_axes_.size(); i-- > 0;) {
    const Axis& axis = stage_.axes[class_axes_[i]];
    const auto size = static_cast<std::uint32_t>(axis.values.size());
    const auto& text = std::get<std::string>(axis.values[requirement_class % size]);
    requirement_class /= size;
    if (axis.kind == AxisKind::kGpuType) {
      requirement.gpu_type = text;
    } else {
      Require(requirement, stage_, axis.role, text);
    }
  }
  return requirement;
}

std::map<std::size_t, std::vector<std::uint32_t>> Grid::RowsOfClass(
    std::uint32_t requirement_class) const {
  CHECK(requirement_class < class_count_);
  std::map<std::size_t, std::vector<std::uint32_t>> rows;
  for (std::size_t i = class_axes_.size(); i-- > 0;) {
    const std::size_t axis = class_axes_[i];
    const auto size = static_cast<std::uint32_t>(stage_.axes[axis].values.size());
    const std::uint32_t wanted = requirement_class % size;
    requirement_class /= size;
    const Place& place = places_[axis];
    const auto [entry, fresh] = rows.try_emplace(place.dimension);
    if (fresh) {
      entry->second.resize(sides_[place.dimension].rows);
      std::iota(entry->second.begin(), entry->second.end(), 0U);
    }
    std::erase_if(entry->second, [&](std::uint32_t row) {
      return (place.value_of_row.empty() ? row : place.value_of_row[row]) != wanted;
    });
  }
  return rows;
}

ParamValues Grid::ParamsOf(std::uint64_t cell) const {
  ParamValues params = base_params_;
  for (std::size_t a = 0; a < stage_.axes.size(); ++a) {
    const Axis& axis = stage_.axes[a];
    if (axis.kind != AxisKind::kGpuType) params.find(axis.name)->second = ValueAt(cell, a);
  }
  return params;
}

std::string Grid::NameOf(std::uint64_t cell) const {
  std::string name = "task-" + std::to_string(cell);
  for (std::size_t a = 0; a < stage_.axes.size(); ++a) {
    if (stage_.axes[a].kind == AxisKind::kSeed) continue;
    name += '-';
    AppendSafely(name, DisplayText(ValueAt(cell, a)));
    if (name.size() > kNameMax) break;
  }
  name.resize(std::min(name.size(), kNameMax));
  // The default seed is not spelled out, so that a name stays when seeds are added later.
  if (stage_.seeds_given || RowAt(cell, 0) > 0) name += "-s" + DisplayText(ValueAt(cell, 0));
  return name;
}

}  // namespace fusor
