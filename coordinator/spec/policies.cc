#include "coordinator/spec/policies.h"

#include <algorithm>
#include <set>

#include "common/base/count.h"
#include "common/recipe/suggest.h"
#include "common/text/scalar.h"
#include "coordinator/spec/names.h"

namespace fusor {

namespace {

constexpr int kPriorityMax = 99;
constexpr int kSlotsMax = 65'536;
constexpr double kGibMax = 1e6;
constexpr int kCpusMax = 4'096;
constexpr int kRetriesMax = 1'000'000;
constexpr std::size_t kLabelsMax = 64;
constexpr std::size_t kColumnsMax = 64;

auto IntFrom(std::int64_t min, std::int64_t max) {
  return [min, max](const YamlNode& node) -> Result<int> {
    const auto number = ReadInt(node);
    if (!number.ok()) return number.status();
    if (*number >= min && *number <= max) return static_cast<int>(*number);
    return InvalidArgument(std::to_string(*number) + " is not an integer from " +
                           std::to_string(min) + " to " + std::to_string(max));
  };
}

Result<double> ReadGib(const YamlNode& node) {
  auto number = ReadFloat(node);
  if (!number.ok()) return number;
  if (*number >= 0 && *number <= kGibMax) return number;
  return InvalidArgument(node.text + " is not a number of GiB from 0 to 1000000");
}

// One of the names; its position is the value.
template <class Enum>
auto OneOf(std::vector<std::string> names) {
  return [names = std::move(names)](const YamlNode& node) -> Result<Enum> {
    const auto text = ReadText(node);
    if (!text.ok()) return text.status();
    const auto found = std::find(names.begin(), names.end(), *text);
    if (found != names.end()) return static_cast<Enum>(found - names.begin());
    return InvalidArgument(NotOneOf(*text, names));
  };
}

// Every value of the map is text.
std::map<std::string, std::string> ReadTextMap(const YamlNode& node, const std::string& path,
                                               Problems& problems) {
  std::map<std::string, std::string> texts;
  MapReader reader(node, path, problems);
  for (const YamlEntry& entry : node.entries) reader.Read(entry.key, ReadText, texts[entry.key]);
  return texts;
}

Status CheckResources(const Resources& resources) {
  if (resources.device == DeviceKind::kCpu && resources.device_memory_gib > 0) {
    return InvalidArgument("device_memory_gib is a GPU's memory, but device is cpu");
  }
  if (resources.per_worker == 0) return Ok();
  const std::string share = "per_worker " + std::to_string(resources.per_worker);
  const std::string slots = CountOf(resources.slots, "slot");
  if (resources.slots % resources.per_worker != 0) {
    return InvalidArgument(slots + " cannot be divided into " + share);
  }
  if (resources.spread == Spread::kOneWorker && resources.per_worker != resources.slots) {
    return InvalidArgument(slots + " with " + share + " need several workers; add spread: any");
  }
  return Ok();
}

void ReadResources(const YamlNode& node, const std::string& path, Problems& problems,
                   Resources& resources) {
  const std::size_t before = problems.count();
  {
    MapReader reader(node, path, problems);
    reader.Read("device", OneOf<DeviceKind>({"cpu", "gpu", "any"}), resources.device);
    reader.Read("slots", IntFrom(1, kSlotsMax), resources.slots);
    reader.Read("per_worker", IntFrom(0, kSlotsMax), resources.per_worker);
    reader.Read("spread", OneOf<Spread>({"one_worker", "any"}), resources.spread);
    reader.Read("cpus", IntFrom(0, kCpusMax), resources.cpus);
    reader.Read("device_memory_gib", ReadGib, resources.device_memory_gib);
    reader.Read("memory_gib", ReadGib, resources.memory_gib);
    reader.Read("disk_gib", ReadGib, resources.disk_gib);
    if (const YamlNode* labels = reader.Node("labels")) {
      resources.labels = ReadTextMap(*labels, reader.PathOf("labels"), problems);
      if (resources.labels.size() > kLabelsMax) reader.Report("labels", *labels, "over 64 labels");
    }
  }
  const Status status = CheckResources(resources);
  if (problems.count() == before && !status.ok()) problems.Add(node, path, status.message());
}

void ReadRetry(const YamlNode& node, const std::string& path, Problems& problems, Retry& retry) {
  MapReader reader(node, path, problems);
  reader.Read("crashes", IntFrom(0, kRetriesMax), retry.crashes);
  reader.Read("lost_workers", IntFrom(0, kRetriesMax), retry.lost_workers);
  reader.Read("lost_after", ReadDuration, retry.lost_after);
  int times = 0;
  if (reader.Read("out_of_memory", IntFrom(0, kRetriesMax), times)) {
    retry.also[Failure::kOutOfMemoryHost] = times;
    retry.also[Failure::kOutOfMemoryDevice] = times;
  }
  for (const Failure failure : {Failure::kOutOfMemoryHost, Failure::kOutOfMemoryDevice,
                                Failure::kDiverged, Failure::kTimedOut, Failure::kBadData}) {
    if (reader.Read(FailureName(failure), IntFrom(0, kRetriesMax), times)) {
      retry.also[failure] = times;
    }
  }
}

void ReadCheckpoint(const YamlNode& node, const std::string& path, Problems& problems,
                    CheckpointPolicy& checkpoint) {
  MapReader reader(node, path, problems);
  reader.Read("every_steps", IntFrom(0, 1'000'000'000), checkpoint.every_steps);
  reader.Read("every", ReadDuration, checkpoint.every);
  reader.Read("keep", IntFrom(1, 1'000), checkpoint.keep);
}

Result<std::string> ReadSelectingMetric(const YamlNode& node) {
  auto name = ReadMetricName(node);
  if (!name.ok() || !name->starts_with("test/")) return name;
  return InvalidArgument("'" + *name +
                         "' would choose models by their test data, which then measures nothing; "
                         "use a val/ metric");
}

void ReadObjective(const YamlNode& node, Problems& problems, Objective& objective) {
  enum class Goal { kMaximize, kMinimize };
  Goal goal = Goal::kMaximize;
  MapReader reader(node, "objective", problems);
  reader.Read("metric", ReadSelectingMetric, objective.metric);
  reader.Read("goal", OneOf<Goal>({"maximize", "minimize"}), goal);
  objective.maximize = goal == Goal::kMaximize;
}

void ReadReport(const YamlNode& node, Problems& problems, std::vector<std::string>& columns) {
  MapReader reader(node, "report", problems);
  const YamlNode* list = reader.Node("columns");
  if (list == nullptr) return;
  if (list->kind != YamlNode::Kind::kSequence || list->items.size() > kColumnsMax) {
    reader.Report("columns", *list, "expected a list of at most 64 metric names");
    return;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const auto name = ReadMetricName(list->items[i]);
    if (name.ok()) {
      columns.push_back(*name);
    } else {
      problems.Add(list->items[i], IndexPath("report.columns", i), name.status().message());
    }
  }
}

// The names that any recipe's precision parameter allows.
std::vector<std::string> PrecisionNames() {
  std::vector<std::string> names;
  for (const Recipe& recipe : Catalogue()) {
    for (const Param& param : recipe.params) {
      if (param.role != ParamRole::kPrecision) continue;
      for (const std::string& name : param.choices) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      }
    }
  }
  return names;
}

void ReadFallback(const YamlNode& node, Problems& problems,
                  std::map<std::string, std::string>& fallback) {
  const std::string path = "precision_fallback";
  const std::vector<std::string> names = PrecisionNames();
  const auto is_known = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const auto refusal = [&](const std::string& name) {
    return "no recipe has the precision '" + name + "'" + Suggestion(name, names);
  };
  fallback = ReadTextMap(node, path, problems);
  for (const YamlEntry& entry : node.entries) {
    const std::string& to = fallback[entry.key];
    const std::string where = JoinPath(path, entry.key);
    if (!is_known(entry.key)) problems.Add(entry, where, refusal(entry.key));
    if (!to.empty() && !is_known(to)) problems.Add(entry.value, where, refusal(to));
    if (to == entry.key) problems.Add(entry.value, where, "falls back to itself");
  }
}

}  // namespace

void ReadPolicies(MapReader& reader, Problems& problems, Policies& policies) {
  if (const YamlNode* node = reader.Node("resources")) {
    ReadResources(*node, reader.PathOf("resources"), problems, policies.resources);
  }
  if (const YamlNode* node = reader.Node("retry")) {
    ReadRetry(*node, reader.PathOf("retry"), problems, policies.retry);
  }
  if (const YamlNode* node = reader.Node("checkpoint")) {
    ReadCheckpoint(*node, reader.PathOf("checkpoint"), problems, policies.checkpoint);
  }
  reader.Read("time_limit", ReadDuration, policies.time_limit);
  reader.Read("hang_timeout", ReadDuration, policies.hang_timeout);
  reader.Read("priority", IntFrom(1, kPriorityMax), policies.priority);
}

void ReadSweepPolicies(MapReader& reader, Problems& problems, SweepSpec& sweep) {
  if (const YamlNode* node = reader.Node("objective")) {
    ReadObjective(*node, problems, sweep.objective);
  }
  if (const YamlNode* node = reader.Node("precision_fallback")) {
    ReadFallback(*node, problems, sweep.precision_fallback);
  }
  if (const YamlNode* node = reader.Node("on_failure")) {
    MapReader failure(*node, "on_failure", problems);
    failure.Read("stage", OneOf<StageFailure>({"skip_dependents", "cancel"}),
                 sweep.on_failure.stage);
    failure.Read("max_failed", ReadPercent, sweep.on_failure.max_failed);
  }
  if (const YamlNode* node = reader.Node("report")) {
    ReadReport(*node, problems, sweep.report_columns);
  }
  reader.Read("max_running", IntFrom(0, 1'000'000), sweep.max_running);
}

}  // namespace fusor
