#include "coordinator/spec/needs.h"

#include <algorithm>
#include <optional>
#include <set>

#include "common/recipe/suggest.h"
#include "common/text/scalar.h"
#include "coordinator/spec/input_count.h"
#include "coordinator/spec/map_reader.h"

namespace fusor {

namespace {

// One entry of a stage's `needs`; stages by their position in the file.
struct Link {
  std::size_t from = 0;
  std::size_t to = 0;
  const YamlEntry* entry = nullptr;
  std::string path;
};

class NeedsReader {
 public:
  NeedsReader(std::vector<StageDraft>& drafts, Problems& problems)
      : drafts_(drafts), problems_(problems) {}

  void ReadLinks();
  // Positions in the file, needed stages first; empty, and a problem, when there is a cycle.
  std::vector<std::size_t> Order();
  void ReadNeeds();
  void CheckInputs();

 private:
  const YamlNode* NeedsOf(std::size_t stage) const {
    const YamlEntry* entry = drafts_[stage].entry->value.Find("needs");
    return entry == nullptr ? nullptr : &entry->value;
  }
  void ReadLink(std::size_t stage, const YamlEntry& entry, const std::string& path);
  std::optional<Link> LinkOutOf(std::size_t stage, const std::vector<bool>& placed) const;
  void ReportCycle(const std::vector<bool>& placed);
  std::vector<std::pair<std::string, const YamlNode*>> ReadNames(MapReader& reader,
                                                                 const std::string& key);
  void ReadNeed(const Link& link);
  void CheckLeftOver(const Link& link, const Need& need);
  void CheckGivenOnce(const StageDraft& draft);
  void CheckInputsOf(std::size_t stage);

  std::vector<StageDraft>& drafts_;
  Problems& problems_;
  std::vector<Link> links_;
};

void NeedsReader::ReadLinks() {
  for (std::size_t i = 0; i < drafts_.size(); ++i) {
    const YamlNode* needs = NeedsOf(i);
    if (needs == nullptr || needs->kind == YamlNode::Kind::kNull) continue;
    const std::string path = JoinPath(drafts_[i].path, "needs");
    if (needs->kind != YamlNode::Kind::kMap) {
      problems_.Add(*needs, path,
                    "expected a map like {experts: {match: [model], collect: expert}}, got " +
                        Describe(*needs));
      drafts_[i].sound = false;
      continue;
    }
    for (const YamlEntry& entry : needs->entries) ReadLink(i, entry, JoinPath(path, entry.key));
  }
}

void NeedsReader::ReadLink(std::size_t stage, const YamlEntry& entry, const std::string& path) {
  std::vector<std::string> names;
  for (const StageDraft& draft : drafts_) names.push_back(draft.spec.name);
  const auto found = std::find(names.begin(), names.end(), entry.key);
  if (found == names.end()) {
    problems_.Add(entry, path,
                  "there is no stage '" + entry.key + "'" + Suggestion(entry.key, names));
    drafts_[stage].sound = false;
    return;
  }
  links_.push_back({stage, static_cast<std::size_t>(found - names.begin()), &entry, path});
}

std::vector<std::size_t> NeedsReader::Order() {
  std::vector<std::size_t> order;
  std::vector<bool> placed(drafts_.size(), false);
  while (order.size() < drafts_.size()) {
    const std::size_t before = order.size();
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
      if (placed[i] || LinkOutOf(i, placed)) continue;
      placed[i] = true;
      order.push_back(i);
      break;  // the first in the file that can come next
    }
    if (order.size() == before) {
      ReportCycle(placed);
      return {};
    }
  }
  return order;
}

// A need of the stage that is not placed yet.
std::optional<Link> NeedsReader::LinkOutOf(std::size_t stage,
                                           const std::vector<bool>& placed) const {
  for (const Link& link : links_) {
    if (link.from == stage && !placed[link.to]) return link;
  }
  return std::nullopt;
}

void NeedsReader::ReportCycle(const std::vector<bool>& placed) {
  // Every stage left needs another one that is left: walking on must come back.
  std::size_t stage = 0;
  while (placed[stage]) ++stage;
  std::vector<Link> walk;
  std::vector<bool> seen(drafts_.size(), false);
  while (!seen[stage]) {
    seen[stage] = true;
    walk.push_back(*LinkOutOf(stage, placed));
    stage = walk.back().to;
  }
  const auto start =
      std::find_if(walk.begin(), walk.end(), [&](const Link& link) { return link.from == stage; });
  std::string names = drafts_[stage].spec.name;
  for (auto link = start; link != walk.end(); ++link) names += " -> " + drafts_[link->to].spec.name;
  problems_.Add(*start->entry, start->path, "stages need each other in a circle: " + names);
}

void NeedsReader::ReadNeeds() {
  for (const Link& link : links_) {
    if (drafts_[link.from].sound && drafts_[link.to].sound) ReadNeed(link);
  }
}

// A name or a list of names.
std::vector<std::pair<std::string, const YamlNode*>> NeedsReader::ReadNames(
    MapReader& reader, const std::string& key) {
  std::vector<std::pair<std::string, const YamlNode*>> names;
  const YamlNode* node = reader.Node(key);
  if (node == nullptr) return names;
  const auto add = [&](const YamlNode& item) {
    const auto name = ReadText(item);
    if (name.ok()) {
      names.emplace_back(*name == "seeds" ? "seed" : *name, &item);
    } else {
      reader.Report(key, item, name.status().message());
    }
  };
  if (node->kind != YamlNode::Kind::kSequence) add(*node);
  for (const YamlNode& item : node->items) add(item);
  return names;
}

void NeedsReader::ReadNeed(const Link& link) {
  const std::size_t before = problems_.count();
  const StageSpec& here = drafts_[link.from].spec;
  const StageSpec& there = drafts_[link.to].spec;
  Need need{.stage = static_cast<std::uint32_t>(link.to), .match = {}, .collect = {}, .best = true};
  std::set<std::string> named;
  {
    MapReader reader(link.entry->value, link.path, problems_);
    for (const auto& [name, node] : ReadNames(reader, "match")) {
      const auto axis_here = FindAxis(here, name);
      const auto axis_there = FindAxis(there, name);
      const StageSpec& lacks = axis_here ? there : here;
      if (!axis_here || !axis_there) {
        reader.Report("match", *node,
                      "'" + name + "' is not an axis of stage '" + lacks.name + "'" +
                          Suggestion(name, AxisNames(lacks)));
      } else if (named.insert(name).second) {
        need.match.emplace_back(*axis_here, *axis_there);
      }
    }
    for (const auto& [name, node] : ReadNames(reader, "collect")) {
      const auto axis = FindAxis(there, name);
      if (!axis) {
        reader.Report("collect", *node,
                      "'" + name + "' is not an axis of stage '" + there.name + "'" +
                          Suggestion(name, AxisNames(there)));
      } else if (!named.insert(name).second) {
        reader.Report("collect", *node, "'" + name + "' is named twice");
      } else {
        need.collect.push_back(*axis);
      }
    }
    std::string take = "best";
    if (reader.Read("take", ReadText, take) && take != "best" && take != "last") {
      reader.Report("take", *reader.Node("take"), NotOneOf(take, {"best", "last"}));
    }
    need.best = take == "best";
  }
  if (!there.own_seeds && !named.contains("seed")) need.match.emplace_back(0, 0);
  if (problems_.count() == before) CheckLeftOver(link, need);
  if (problems_.count() > before) drafts_[link.from].sound = false;
  drafts_[link.from].spec.needs.push_back(std::move(need));
}

// Axes of the needed stage that neither are matched nor collected must have one value left.
void NeedsReader::CheckLeftOver(const Link& link, const Need& need) {
  const StageSpec& there = drafts_[link.to].spec;
  std::string left_over;
  for (const Dimension& dimension : there.dimensions) {
    std::vector<std::size_t> matched;  // columns
    std::string unnamed;
    for (std::size_t column = 0; column < dimension.axes.size(); ++column) {
      const std::size_t axis = dimension.axes[column];
      const bool is_matched = std::any_of(need.match.begin(), need.match.end(),
                                          [&](const auto& pair) { return pair.second == axis; });
      const bool is_collected =
          std::find(need.collect.begin(), need.collect.end(), axis) != need.collect.end();
      if (is_matched) matched.push_back(column);
      if (!is_matched && !is_collected) {
        unnamed += (unnamed.empty() ? "" : ", ") + there.axes[axis].name;
      }
    }
    if (unnamed.empty()) continue;
    std::set<std::vector<std::uint32_t>> keys;
    for (const auto& row : dimension.rows) {
      std::vector<std::uint32_t> key;
      key.reserve(matched.size());
      for (const std::size_t column : matched) key.push_back(row[column]);
      keys.insert(std::move(key));
    }
    if (keys.size() == dimension.rows.size()) continue;
    left_over += (left_over.empty() ? "" : ", ") + unnamed;
  }
  if (left_over.empty()) return;
  problems_.Add(*link.entry, link.path,
                "axes of stage '" + there.name + "' are left over: " + left_over +
                    "; name them in match or collect");
}

void NeedsReader::CheckInputs() {
  for (std::size_t i = 0; i < drafts_.size(); ++i) {
    if (drafts_[i].sound) CheckInputsOf(i);
  }
}

// A parameter that names files would silently take the inputs' place.
void NeedsReader::CheckGivenOnce(const StageDraft& draft) {
  const std::string& name = draft.recipe->inputs_param;
  if (name.empty() || !draft.written.contains(name)) return;
  const auto param = draft.spec.params.find(name);
  if (param != draft.spec.params.end() && std::get<std::string>(param->second).empty()) return;
  const auto at = draft.WhereIs(name);
  problems_.AddAt(at.place, at.source, at.path,
                  "stands for the trials that `needs` gives; take one of them");
}

void NeedsReader::CheckInputsOf(std::size_t stage) {
  const StageDraft& draft = drafts_[stage];
  InputCount sum;
  for (const Need& need : draft.spec.needs) {
    const StageSpec& there = drafts_[need.stage].spec;
    const auto is_it = [&](const Link& link) {
      return link.from == stage && link.to == need.stage;
    };
    const Link& link = *std::find_if(links_.begin(), links_.end(), is_it);
    const InputCount count = CountInputs(draft.spec, need, there);
    if (count.too_many) {
      problems_.Add(*link.entry, link.path,
                    "too many combinations of matched values to check; shorten these axes");
      return;
    }
    if (count.least == 0) {
      problems_.Add(
          *link.entry, link.path,
          "trials with " + count.starving + " find no trial of stage '" + there.name + "'");
      return;
    }
    sum.least += count.least;
    sum.most += count.most;
  }
  const Recipe& recipe = *draft.recipe;
  const auto least = static_cast<std::uint64_t>(recipe.inputs_min);
  const auto most = static_cast<std::uint64_t>(recipe.inputs_max);
  if (sum.least >= least && sum.most <= most) {
    if (sum.most > 0) CheckGivenOnce(draft);
    return;
  }
  const auto range = [](std::uint64_t from, std::uint64_t to) {
    return from == to ? std::to_string(from) : std::to_string(from) + " to " + std::to_string(to);
  };
  const std::string takes = "recipe " + recipe.name + " takes " + range(least, most) +
                            (most == 1 ? " trial as input" : " trials as inputs") +
                            "; the needs yield " + range(sum.least, sum.most);
  const YamlNode* needs = NeedsOf(stage);
  if (needs == nullptr) {
    problems_.Add(*draft.entry, draft.path, takes);
  } else {
    problems_.Add(*needs, JoinPath(draft.path, "needs"), takes);
  }
}

}  // namespace

std::vector<StageSpec> ResolveNeeds(std::vector<StageDraft> drafts, Problems& problems) {
  NeedsReader reader(drafts, problems);
  reader.ReadLinks();
  const std::vector<std::size_t> order = reader.Order();
  if (order.empty()) return {};
  reader.ReadNeeds();
  reader.CheckInputs();
  std::vector<std::uint32_t> position(drafts.size(), 0);
  for (std::uint32_t i = 0; i < order.size(); ++i) position[order[i]] = i;
  std::vector<StageSpec> stages;
  for (const std::size_t i : order) {
    for (Need& need : drafts[i].spec.needs) need.stage = position[need.stage];
    stages.push_back(std::move(drafts[i].spec));
  }
  return stages;
}

}  // namespace fusor
