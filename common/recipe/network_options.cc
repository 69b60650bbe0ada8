#include "common/recipe/network_options.h"

#include <charconv>
#include <sstream>
#include <utility>

#include "common/recipe/suggest.h"

namespace fusor {
namespace {

constexpr std::int64_t kDepthMax = 1'204;  // deeper networks than anybody has trained
constexpr std::int64_t kChannelsMax = 1'024;
constexpr std::int64_t kClassesMax = 1'000'000;
constexpr double kDropoutMax = 0.9;

struct Model {
  NetworkOptions own;  // growth, cardinality, preactivation: only where the model has them
  bool (*has_depth)(std::int64_t depth);
  const char* depths;  // as people read them
};

bool DenseNetHas(std::int64_t depth) { return depth == 121 || (depth >= 10 && depth % 6 == 4); }
bool ResNetHas(std::int64_t depth) { return depth == 10 || depth == 18; }
bool WideResNetHas(std::int64_t depth) { return depth >= 10 && depth % 6 == 4; }
bool ResNextHas(std::int64_t depth) { return depth >= 11 && depth % 9 == 2; }

const std::vector<Model>& Models() {
  static const std::vector<Model> kModels = {
      {{.model = "densenet", .depth = 121, .growth = 32, .dropout = 0.0},
       DenseNetHas,
       "121, or 6 n + 4 for three equal blocks (100 is DenseNet-BC-100)"},
      {{.model = "resnet", .depth = 18, .width = 64, .dropout = 0.0}, ResNetHas, "10 or 18"},
      {{.model = "improved_wide_resnet", .depth = 28, .width = 10, .dropout = 0.3},
       WideResNetHas,
       "6 n + 4: 10, 16, 22, 28, 34, 40, ..."},
      {{.model = "resnext",
        .depth = 29,
        .width = 64,
        .cardinality = 8,
        .preactivation = true,
        .dropout = 0.3},
       ResNextHas,
       "9 n + 2: 11, 20, 29, 38, ..."},
  };
  return kModels;
}

// Remembers the first thing that is wrong.
class Check {
 public:
  explicit Check(std::string model) : model_(std::move(model)) {}

  // `given` or the model's own value; refuses a value for what the model does not have.
  template <class Value>
  void Fill(const char* name, std::optional<Value>& given, const std::optional<Value>& own) {
    if (given && !own) Fail("has no option '" + std::string(name) + "'");
    if (!given) given = own;
  }

  template <class Value>
  void Range(const char* name, const std::optional<Value>& value, double low, double high) {
    if (!value || (static_cast<double>(*value) >= low && static_cast<double>(*value) <= high)) {
      return;
    }
    Fail(std::string(name) + " must be from " + Plain(low) + " to " + Plain(high));
  }

  void Fail(const std::string& what) {
    if (status_.ok()) status_ = InvalidArgument(model_ + ": " + what);
  }
  const Status& status() const { return status_; }

 private:
  static std::string Plain(double value) {
    char buffer[32];
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  }

  std::string model_;
  Status status_;
};

template <class Number>
Status Read(std::string_view name, std::string_view text, std::optional<Number>& out) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument(std::string(name) + ": '" + std::string(text) + "' is no number");
  }
  out = number;
  return Ok();
}

}  // namespace

std::vector<std::string> ModelNames() {
  std::vector<std::string> names;
  for (const Model& model : Models()) names.push_back(model.own.model);
  return names;
}

Result<NetworkOptions> CompleteOptions(const NetworkOptions& given) {
  const Model* model = nullptr;
  for (const Model& known : Models()) {
    if (known.own.model == given.model) model = &known;
  }
  if (model == nullptr) return InvalidArgument("model: " + NotOneOf(given.model, ModelNames()));
  NetworkOptions full = given;
  Check check(given.model);
  check.Fill("depth", full.depth, model->own.depth);
  check.Fill("growth", full.growth, model->own.growth);
  check.Fill("cardinality", full.cardinality, model->own.cardinality);
  check.Fill("preactivation", full.preactivation, model->own.preactivation);
  check.Fill("dropout", full.dropout, model->own.dropout);
  // A dense network's stem follows its growth.
  std::optional<std::int64_t> width = model->own.width;
  if (full.growth) width = 2 * *full.growth;
  check.Fill("width", full.width, width);
  if (!model->has_depth(*full.depth) || *full.depth > kDepthMax) {
    check.Fail("depth " + std::to_string(*full.depth) + " is not " + model->depths);
  }
  check.Range("classes", std::optional(full.classes), 1, kClassesMax);
  check.Range("width", full.width, 1, kChannelsMax);
  check.Range("growth", full.growth, 1, kChannelsMax);
  check.Range("cardinality", full.cardinality, 1, kChannelsMax);
  check.Range("dropout", full.dropout, 0, kDropoutMax);
  if (!check.status().ok()) return check.status();
  return full;
}

Status SetOption(NetworkOptions& options, std::string_view name, std::string_view text) {
  if (name == "model") {
    options.model = text;
    return Ok();
  }
  if (name == "preactivation") {
    if (text != "true" && text != "false") {
      return InvalidArgument("preactivation must be true or false");
    }
    options.preactivation = text == "true";
    return Ok();
  }
  if (name == "classes") {
    std::optional<std::int64_t> classes;
    RETURN_IF_ERROR(Read(name, text, classes));
    options.classes = *classes;
    return Ok();
  }
  if (name == "depth") return Read(name, text, options.depth);
  if (name == "width") return Read(name, text, options.width);
  if (name == "growth") return Read(name, text, options.growth);
  if (name == "cardinality") return Read(name, text, options.cardinality);
  if (name == "dropout") return Read(name, text, options.dropout);
  return NotFound("no option '" + std::string(name) + "'");
}

Result<std::vector<NetworkOptions>> ReadNetworks(std::string_view text) {
  std::vector<NetworkOptions> networks;
  for (const std::string& item : SplitList(text)) {
    std::istringstream words(item);
    NetworkOptions options;
    words >> options.model;
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos) {
        return InvalidArgument(options.model + ": '" + word + "' is not OPTION=VALUE");
      }
      const std::string name = word.substr(0, equals);
      // How many classes there are is the data's affair.
      Status set = name == "model" || name == "classes"
                       ? NotFound("no option '" + name + "'")
                       : SetOption(options, name, word.substr(equals + 1));
      if (!set.ok()) return InvalidArgument(options.model + ": " + set.message());
    }
    if (const auto complete = CompleteOptions(options); !complete.ok()) return complete.status();
    networks.push_back(std::move(options));
  }
  return networks;
}

}  // namespace fusor
