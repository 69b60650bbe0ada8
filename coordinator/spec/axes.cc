#include "coordinator/spec/axes.h"

#include <algorithm>
#include <set>

#include "common/base/limits.h"
#include "common/recipe/suggest.h"
#include "common/text/scalar.h"
#include "coordinator/spec/axis_target.h"

namespace fusor {

namespace {

constexpr std::size_t kGpuTypesMax = 64;

// Reads `axes` and `zip`; any problem makes the draft unsound.
class AxesReader {
 public:
  AxesReader(Problems& problems, StageDraft& draft) : problems_(problems), draft_(draft) {}

  void ReadAll(const YamlNode& node, const std::string& path);
  void ReadZip(const YamlNode& node, const std::string& path);
  void AddDimensions();

 private:
  using Group = std::vector<std::size_t>;

  void Fail(const YamlNode& at, const std::string& path, std::string message) {
    problems_.Add(at, path, std::move(message));
    draft_.sound = false;
  }
  const Axis& AxisAt(std::size_t axis) const { return draft_.spec.axes[axis]; }

  void ReadAxis(const YamlEntry& entry, const std::string& path);
  void ReadValues(const YamlNode& node, const std::string& path, const AxisTarget& target,
                  std::vector<Value>& values);
  void AddGroup(const YamlNode& node, const std::string& path);
  std::optional<std::size_t> Zipped(const YamlNode& name, const std::string& path);
  void CheckLengths(const Group& group, const YamlNode& node, const std::string& path);

  Problems& problems_;
  StageDraft& draft_;
  Group plain_;              // the axes of `axes`, in order
  std::vector<Group> zips_;  // groups of them, each in order
  std::set<std::string> mentioned_;
};

void AxesReader::ReadAll(const YamlNode& node, const std::string& path) {
  if (node.kind != YamlNode::Kind::kMap && node.kind != YamlNode::Kind::kNull) {
    Fail(node, path, "expected a map of lists, got " + Describe(node));
    return;
  }
  for (const YamlEntry& entry : node.entries) ReadAxis(entry, JoinPath(path, entry.key));
}

void AxesReader::ReadAxis(const YamlEntry& entry, const std::string& path) {
  mentioned_.insert(entry.key);
  const auto target = ClaimAxis(entry, path, problems_, draft_);
  if (!target) return;
  const YamlNode& node = entry.value;
  if (node.kind == YamlNode::Kind::kMap) {
    Fail(node, path,
         "a map as an axis is reserved for distributions and not built yet; write a list");
    return;
  }
  if (node.kind != YamlNode::Kind::kSequence) {
    Fail(node, path, "an axis is a list, got " + Describe(node) + "; one value goes under params");
    return;
  }
  const bool is_placement = target->kind == AxisKind::kGpuType;
  const std::size_t most = is_placement ? kGpuTypesMax : limits::kAxisValuesMax;
  if (node.items.empty() || node.items.size() > most) {
    Fail(node, path,
         node.items.empty() ? "the axis is empty"
                            : "an axis has at most " + std::to_string(most) + " values");
    return;
  }
  const std::size_t axis = AddAxis(entry.key, *target, draft_.spec);
  plain_.push_back(axis);
  ReadValues(node, path, *target, draft_.spec.axes[axis].values);
}

void AxesReader::ReadValues(const YamlNode& node, const std::string& path, const AxisTarget& target,
                            std::vector<Value>& values) {
  std::set<Value> seen;
  values.reserve(node.items.size());
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    auto value = ReadAxisValue(target, node.items[i]);
    if (!value.ok()) {
      Fail(node.items[i], IndexPath(path, i), value.status().message());
    } else if (!seen.insert(*value).second) {
      Fail(node.items[i], IndexPath(path, i), DisplayText(*value) + " is twice in this axis");
    } else {
      values.push_back(std::move(value).value());
    }
  }
}

// The axis that a zip names, or nothing; a name that cannot be zipped is a problem.
std::optional<std::size_t> AxesReader::Zipped(const YamlNode& name, const std::string& path) {
  const auto text = ReadText(name);
  if (!text.ok()) {
    Fail(name, path, text.status().message());
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const std::size_t axis : plain_) names.push_back(AxisAt(axis).name);
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found != names.end()) return plain_[static_cast<std::size_t>(found - names.begin())];
  draft_.sound = false;
  // An axis that cannot be was reported where it stands.
  if (!mentioned_.contains(*text)) {
    Fail(name, path, "'" + *text + "' is not under axes" + Suggestion(*text, names));
  }
  return std::nullopt;
}

void AxesReader::AddGroup(const YamlNode& node, const std::string& path) {
  Group group;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::string where = IndexPath(path, i);
    const auto axis = Zipped(node.items[i], where);
    if (!axis) continue;
    const auto has = [&](const Group& other) {
      return std::find(other.begin(), other.end(), *axis) != other.end();
    };
    if (has(group) || std::any_of(zips_.begin(), zips_.end(), has)) {
      Fail(node.items[i], where, "'" + AxisAt(*axis).name + "' is zipped twice");
    } else {
      group.push_back(*axis);
    }
  }
  if (!draft_.sound) return;
  if (group.size() < 2) {
    Fail(node, path, "a zip needs at least two axes");
    return;
  }
  CheckLengths(group, node, path);
  std::sort(group.begin(), group.end());
  zips_.push_back(std::move(group));
}

void AxesReader::CheckLengths(const Group& group, const YamlNode& node, const std::string& path) {
  std::string lengths;
  bool equal = true;
  for (const std::size_t axis : group) {
    const std::size_t length = AxisAt(axis).values.size();
    equal = equal && length == AxisAt(group[0]).values.size();
    lengths += (lengths.empty() ? "" : ", ") + AxisAt(axis).name + " has " + std::to_string(length);
  }
  if (!equal) Fail(node, path, "zipped axes must be equally long; " + lengths);
}

void AxesReader::ReadZip(const YamlNode& node, const std::string& path) {
  if (node.kind != YamlNode::Kind::kSequence) {
    Fail(node, path, "expected a list of axis names, got " + Describe(node));
    return;
  }
  const bool is_nested = !node.items.empty() && node.items[0].kind == YamlNode::Kind::kSequence;
  if (!is_nested && !node.items.empty()) AddGroup(node, path);
  for (std::size_t i = 0; is_nested && i < node.items.size(); ++i) {
    const YamlNode& group = node.items[i];
    if (group.kind == YamlNode::Kind::kSequence) {
      AddGroup(group, IndexPath(path, i));
    } else {
      Fail(group, IndexPath(path, i), "expected a list of axis names, got " + Describe(group));
    }
  }
}

void AxesReader::AddDimensions() {
  for (const std::size_t axis : plain_) {
    const auto length = static_cast<std::uint32_t>(AxisAt(axis).values.size());
    const auto group = std::find_if(zips_.begin(), zips_.end(), [&](const Group& zip) {
      return std::find(zip.begin(), zip.end(), axis) != zip.end();
    });
    if (group == zips_.end()) {
      draft_.spec.dimensions.push_back({.axes = {axis}, .rows = PlainRows(length)});
    } else if (group->front() == axis) {
      Dimension dimension{.axes = *group, .rows = {}};
      for (std::uint32_t i = 0; i < length; ++i) dimension.rows.emplace_back(group->size(), i);
      draft_.spec.dimensions.push_back(std::move(dimension));
    }
  }
}

}  // namespace

void ReadAxes(MapReader& reader, Problems& problems, StageDraft& draft) {
  if (const YamlNode* cells = reader.Node("cells")) {
    ReadCells(*cells, reader.PathOf("cells"), problems, draft);
  }
  AxesReader axes(problems, draft);
  if (const YamlNode* plain = reader.Node("axes")) axes.ReadAll(*plain, reader.PathOf("axes"));
  if (const YamlNode* zip = reader.Node("zip")) axes.ReadZip(*zip, reader.PathOf("zip"));
  axes.AddDimensions();
}

}  // namespace fusor
