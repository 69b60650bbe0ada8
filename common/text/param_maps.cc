#include "common/text/param_maps.h"

#include <string_view>

#include "common/recipe/suggest.h"
#include "common/text/scalar.h"

namespace fusor {
namespace {

class Spreader {
 public:
  explicit Spreader(const Recipe& recipe) : recipe_(recipe) {}

  PlainParams Spread(const std::vector<YamlEntry>& entries) {
    for (const YamlEntry& entry : entries) {
      const std::vector<std::string> members = MembersOf(entry.key);
      if (members.empty()) {
        result_.params.push_back({entry, entry.key});
      } else if (entry.value.kind == YamlNode::Kind::kMap) {
        for (const YamlEntry& each : entry.value.entries) AddMember(entry.key, members, each);
      } else {
        Problem(entry.value.place, entry.value.source, entry.key,
                "expected a map of " + JoinNames(members) + ", got " + Describe(entry.value));
      }
    }
    return std::move(result_);
  }

 private:
  // Of the map of that name; none where there is no such map.
  std::vector<std::string> MembersOf(const std::string& map) const {
    std::vector<std::string> members;
    for (const Param& param : recipe_.params) {
      if (param.member.starts_with(map + "."))
        members.push_back(param.member.substr(map.size() + 1));
    }
    return members;
  }

  const Param* Find(const std::string& path) const {
    for (const Param& param : recipe_.params) {
      if (param.member == path) return &param;
    }
    return nullptr;
  }

  void AddMember(const std::string& map, const std::vector<std::string>& members,
                 const YamlEntry& member) {
    const std::string path = map + "." + member.key;
    const Param* param = Find(path);
    if (param == nullptr) {
      return Problem(member.place, member.source, path,
                     map + " has no '" + member.key + "'" + Suggestion(member.key, members));
    }
    YamlEntry entry = member;
    entry.key = param->name;
    if (param->role == ParamRole::kPath && entry.value.kind == YamlNode::Kind::kSequence) {
      Join(entry.value, path);
    }
    result_.params.push_back({std::move(entry), path});
  }

  // [a, b] to "a,b".
  void Join(YamlNode& list, const std::string& path) {
    std::string text;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const YamlNode& item = list.items[i];
      const auto read = ReadText(item);
      const std::string where = path + "[" + std::to_string(i) + "]";
      if (!read.ok()) {
        Problem(item.place, item.source, where, read.status().message());
      } else if (read->empty() || read->find(',') != std::string::npos) {
        Problem(item.place, item.source, where, "expected one path, without a comma");
      } else {
        text += (text.empty() ? "" : ",") + *read;
      }
    }
    list.kind = YamlNode::Kind::kScalar;
    list.quoted = true;
    list.text = std::move(text);
    list.items.clear();
  }

  void Problem(TextPlace place, int source, std::string path, std::string message) {
    result_.problems.push_back({place, source, std::move(path), std::move(message)});
  }

  const Recipe& recipe_;
  PlainParams result_;
};

}  // namespace

PlainParams SpreadMaps(const Recipe& recipe, const std::vector<YamlEntry>& entries) {
  return Spreader(recipe).Spread(entries);
}

}  // namespace fusor
