#pragma once

// The catalogue: every recipe's parameters, declared once. Validation, `fusor recipes`, the
// trainer's typed configuration and docs/recipes.md all come from here.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/recipe/value.h"

namespace fusor {

enum class ParamType : std::uint8_t { kBool, kInt, kFloat, kText, kChoice };

// What a parameter's value means to the scheduler.
enum class ParamRole : std::uint8_t {
  kPlain,
  kPrecision,  // must be offered by the worker
  kDataset,    // names a data set that must be present on the worker ("synthetic" never is needed)
  kSeed,
  kPath,  // files or folders where the trial runs, several with commas between
};

struct Param {
  std::string name;
  ParamType type = ParamType::kText;
  Value default_value;
  double min = -std::numeric_limits<double>::infinity();  // kInt and kFloat, inclusive
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string>
      choices;  // kChoice: the allowed names; kInt: the allowed numbers, if any
  std::string help;
  ParamRole role = ParamRole::kPlain;
  // What the value "auto" stands for, as people read it; empty: there is no such value. Whoever
  // trains resolves it (Recipe::settle); everybody else keeps the word.
  std::string automatic = {};
  // In files also written as a member of a map: "init_from.experts".
  std::string member = {};
};

// A number that trials of a recipe record.
struct MetricInfo {
  std::string name;
  std::string help;
};

// Of a recipe that joins parts which also answer alone: which metrics tell what the joining gains.
struct GainInfo {
  std::string part;                // "expert"
  std::string whole;               // a metric of shares, from 0 to 1
  std::vector<std::string> parts;  // the same of each part alone, on the same samples
};

// Full parameter values by name; the map's order is the canonical order.
using ParamValues = std::map<std::string, Value, std::less<>>;

// What values may not stand together. It names the parameters it reads, so that a sweep of a
// million cells is checked by looking at the combinations of those few alone.
struct Rule {
  std::vector<std::string> reads;
  std::string says;  // the rule as people read it
  // Refuses with the reason. Called with (at least) every parameter of `reads`, each checked.
  Status (*check)(const ParamValues& values) = nullptr;
};

struct Recipe {
  std::string name;
  int version = 1;  // part of the config hash: raised when equal parameters give other results
  std::string help;
  std::vector<Param> params;
  int inputs_min = 0;  // how many trials of other stages it takes
  int inputs_max = 0;
  std::string inputs_param = {};  // names files in the inputs' place; empty = none does
  std::vector<Rule> rules;
  std::vector<MetricInfo> metrics;
  // Parameters that say what must be in the files which those of the role kPath name.
  std::vector<std::string> file_shapes = {};
  std::optional<GainInfo> gain = std::nullopt;
  // Replaces each "auto" that has one meaning for these values. Called with complete, checked
  // values; what stays "auto" does not concern them, e.g. the growth of a network without one.
  void (*settle)(ParamValues& values) = nullptr;

  const Param* Find(std::string_view name) const;
};

// All recipes, in the order in which people should read them.
const std::vector<Recipe>& Catalogue();
const Recipe* FindRecipe(std::string_view name);

// "bool", "int", "float", "text", "choice".
std::string_view TypeName(ParamType type);

// What the parameter accepts, as people read it: "an integer from 1 to 100", "one of fp32, bf16".
std::string Accepts(const Param& param);
// Its help, and what "auto" stands for.
std::string Meaning(const Param& param);

// Is `value` of the parameter's type and inside its range? The message names what is allowed.
// Numbers that are not finite are never allowed.
Status CheckValue(const Param& param, const Value& value);

// The canonical JSON of a configuration: {"batch_size":64,...}, keys sorted.
std::string CanonicalConfig(const ParamValues& values);

inline constexpr char kAuto[] = "auto";
bool IsAuto(const Value& value);

// Typed reading of complete, checked, settled values; a missing name or another type is a
// programmer's error.
class Config {
 public:
  explicit Config(ParamValues values) : values_(std::move(values)) {}

  bool Bool(std::string_view name) const;
  std::int64_t Int(std::string_view name) const;
  double Float(std::string_view name) const;
  const std::string& Text(std::string_view name) const;
  // Is there such a parameter, with a value other than "auto"?
  bool Has(std::string_view name) const;
  const ParamValues& values() const { return values_; }

 private:
  ParamValues values_;
};

// Fills in the defaults, checks every value and settles them; all problems in one message, one per
// line. An integer given for a float becomes one.
Result<Config> MakeConfig(const Recipe& recipe, ParamValues given);

}  // namespace fusor
