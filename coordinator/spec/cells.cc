// ReadCells: cells that a file lists one by one.

#include <algorithm>
#include <map>
#include <set>

#include "common/base/limits.h"
#include "common/text/scalar.h"
#include "coordinator/spec/axes.h"
#include "coordinator/spec/axis_target.h"

namespace fusor {

namespace {

class CellsReader {
 public:
  CellsReader(Problems& problems, StageDraft& draft) : problems_(problems), draft_(draft) {}

  // The first cell decides which axes the cells have. False when one of them cannot be.
  bool ReadKeys(const YamlNode& first, const std::string& path);
  void ReadCell(const YamlNode& cell, const std::string& path);
  void AddDimension() { draft_.spec.dimensions.push_back(std::move(dimension_)); }

 private:
  using Index = std::map<Value, std::uint32_t>;

  // The index of the value in its axis; a new value is added.
  std::uint32_t IndexOf(const Value& value, std::size_t column);
  std::vector<std::uint32_t> ReadRow(const YamlNode& cell, const std::string& path);

  Problems& problems_;
  StageDraft& draft_;
  Dimension dimension_;
  std::vector<AxisTarget> targets_;  // per column
  std::vector<Index> indexes_;       // per column
  std::set<std::vector<std::uint32_t>> seen_;
};

bool CellsReader::ReadKeys(const YamlNode& first, const std::string& path) {
  for (const YamlEntry& entry : first.entries) {
    const auto target = ClaimAxis(entry, JoinPath(path, entry.key), problems_, draft_);
    if (!target) continue;
    dimension_.axes.push_back(AddAxis(entry.key, *target, draft_.spec));
    targets_.push_back(*target);
  }
  indexes_.resize(targets_.size());
  return targets_.size() == first.entries.size();
}

std::uint32_t CellsReader::IndexOf(const Value& value, std::size_t column) {
  std::vector<Value>& values = draft_.spec.axes[dimension_.axes[column]].values;
  const auto [entry, fresh] =
      indexes_[column].try_emplace(value, static_cast<std::uint32_t>(values.size()));
  if (fresh) values.push_back(value);
  return entry->second;
}

std::vector<std::uint32_t> CellsReader::ReadRow(const YamlNode& cell, const std::string& path) {
  std::vector<std::uint32_t> row;
  MapReader reader(cell, path, problems_);
  for (std::size_t column = 0; column < dimension_.axes.size(); ++column) {
    const std::string& name = draft_.spec.axes[dimension_.axes[column]].name;
    const YamlNode* node = reader.Node(name);
    if (node == nullptr) {
      problems_.Add(cell, path, "has no '" + name + "'; every cell has the keys of the first");
      continue;
    }
    const auto value = ReadAxisValue(targets_[column], *node);
    if (value.ok()) {
      row.push_back(IndexOf(*value, column));
    } else {
      problems_.Add(*node, JoinPath(path, name), value.status().message());
    }
  }
  return row;
}

void CellsReader::ReadCell(const YamlNode& cell, const std::string& path) {
  const std::size_t before = problems_.count();
  if (cell.kind == YamlNode::Kind::kMap) {
    auto row = ReadRow(cell, path);
    if (problems_.count() == before) {
      if (seen_.insert(row).second) {
        dimension_.rows.push_back(std::move(row));
      } else {
        problems_.Add(cell, path, "the same cell stands twice");
      }
    }
  } else {
    problems_.Add(cell, path, "expected a map with one value per axis, got " + Describe(cell));
  }
  if (problems_.count() > before) draft_.sound = false;
}

}  // namespace

void ReadCells(const YamlNode& node, const std::string& path, Problems& problems,
               StageDraft& draft) {
  const bool is_list = node.kind == YamlNode::Kind::kSequence && !node.items.empty();
  const bool is_cells = is_list && !node.items[0].entries.empty();
  if (!is_cells || node.items.size() > limits::kAxisValuesMax) {
    problems.Add(node, path,
                 "expected a list of 1 to " + std::to_string(limits::kAxisValuesMax) +
                     " maps, each with one value per axis");
    draft.sound = false;
    return;
  }
  CellsReader reader(problems, draft);
  if (!reader.ReadKeys(node.items[0], IndexPath(path, 0))) return;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    reader.ReadCell(node.items[i], IndexPath(path, i));
  }
  reader.AddDimension();
}

}  // namespace fusor
