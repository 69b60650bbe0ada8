#include "trainer/process/describe_command.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <vector>

#include "common/recipe/suggest.h"

namespace fusor {
namespace {

constexpr std::int64_t kBatchMax = 1 << 20;
constexpr std::int64_t kImageSizeMax = 1'024;
constexpr std::int64_t kImageSizeMin = 8;  // three halvings leave something

struct Optimizer {
  const char* name;
  std::int64_t moments;
};
constexpr Optimizer kOptimizers[] = {
    {"sgd", 1}, {"adam", 2}, {"adamw", 2}, {"lion", 1}, {"muon", 1}};

std::vector<std::string> OptimizerNames() {
  std::vector<std::string> names;
  for (const Optimizer& optimizer : kOptimizers) names.push_back(optimizer.name);
  return names;
}

Status SetInt(std::int64_t& out, const std::string& key, std::string_view text, std::int64_t low,
              std::int64_t high) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc() && end == text.data() + text.size() && out >= low && out <= high) {
    return Ok();
  }
  return InvalidArgument(key + " must be from " + std::to_string(low) + " to " +
                         std::to_string(high));
}

Status SetOptimizer(DescribeOptions& options, std::string_view text) {
  for (const Optimizer& optimizer : kOptimizers) {
    if (text != optimizer.name) continue;
    options.moments = optimizer.moments;
    return Ok();
  }
  return InvalidArgument("optimizer: " + NotOneOf(text, OptimizerNames()));
}

Status Set(DescribeOptions& options, std::string_view argument) {
  const auto equals = argument.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return InvalidArgument("'" + std::string(argument) + "' is not of the form key=value");
  }
  const std::string key(argument.substr(0, equals));
  const std::string_view text = argument.substr(equals + 1);
  if (key == "precision") {
    options.precision = text;
    return Ok();
  }
  if (key == "optimizer") return SetOptimizer(options, text);
  if (key == "batch_size") return SetInt(options.batch_size, key, text, 1, kBatchMax);
  if (key == "image_size") {
    return SetInt(options.image_size, key, text, kImageSizeMin, kImageSizeMax);
  }
  Status set = SetOption(options.network, key, text);
  if (set.code() != Code::kNotFound) return set;
  return InvalidArgument("describe has no option '" + key + "'" +
                         Suggestion(key, {"model", "classes", "depth", "width", "growth",
                                          "cardinality", "preactivation", "dropout", "batch_size",
                                          "precision", "optimizer", "image_size"}));
}

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

// 7048676 -> "7,048,676"
std::string Grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string MegaText(std::int64_t number, double unit) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f", static_cast<double>(number) / unit);
  return buffer;
}

std::string MegabytesText(std::int64_t bytes) { return MegaText(bytes, 1 << 20) + " MiB"; }

using Cells = std::array<std::string, 6>;

// Names and kinds to the left, numbers to the right.
std::string TableText(const std::vector<Cells>& rows) {
  std::array<std::size_t, 6> widths{};
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string blank(widths[i] - row[i].size(), ' ');
      text += (i > 0 ? "  " : "") + (i < 2 ? row[i] + blank : blank + row[i]);
    }
    text += '\n';
  }
  return text;
}

std::string TitleText(const NetworkOptions& network) {
  std::string text = network.model;
  auto add = [&](const char* name, const auto& value) {
    if (value) text += std::string(" ") + name + "=" + std::to_string(*value);
  };
  add("depth", network.depth);
  add("width", network.width);
  add("growth", network.growth);
  add("cardinality", network.cardinality);
  if (network.preactivation) {
    text += std::string(" preactivation=") + (*network.preactivation ? "true" : "false");
  }
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, " dropout=%g", *network.dropout);
  return text + buffer + " classes=" + std::to_string(network.classes);
}

}  // namespace

Result<DescribeOptions> ParseDescribe(std::span<const char* const> arguments) {
  DescribeOptions options;
  options.network.model.clear();
  std::string problems;
  for (const char* argument : arguments) {
    Status set = Set(options, argument);
    if (!set.ok()) problems += (problems.empty() ? "" : "\n") + set.message();
  }
  if (problems.empty() && options.network.model.empty()) {
    problems = "describe needs model=NAME; one of " + JoinNames(ModelNames());
  }
  if (!problems.empty()) return InvalidArgument(problems);
  return options;
}

std::string DescriptionText(const Description& description, const DescribeOptions& options) {
  std::vector<Cells> rows = {{"layer", "kind", "in", "out", "parameters", "multiply-adds"}};
  for (const LayerRow& layer : description.layers) {
    if (layer.kind == LayerKind::kRelu) continue;
    rows.push_back({layer.name, LayerKindText(layer), ShapeText(layer.in), ShapeText(layer.out),
                    Grouped(layer.parameters), Grouped(layer.multiply_adds)});
  }
  const MemoryEstimate& memory = description.memory;
  return TitleText(description.network) + "\n\n" + TableText(rows) + "\nparameters      " +
         Grouped(description.parameters) + "\nmultiply-adds   " +
         MegaText(description.multiply_adds, 1e6) +
         " million an image forward, three times that in training" + "\nfeatures        " +
         std::to_string(description.feature_size) +
         "\n\nmemory at batch_size=" + std::to_string(options.batch_size) + " in " +
         options.precision + ", without what the libraries take" + "\n  weights       " +
         MegabytesText(memory.weights) + "\n  16-bit copies " + MegabytesText(memory.casts) +
         "\n  gradients     " + MegabytesText(memory.gradients) + "\n  optimiser     " +
         MegabytesText(memory.moments) + "\n  activations   " + MegabytesText(memory.activations) +
         "\n  total         " + MegabytesText(memory.total()) + "\n";
}

std::string DescribeHelpText() {
  return "fusor-train describe model=NAME [KEY=VALUE...]\n\n"
         "  model=NAME           " +
         JoinNames(ModelNames()) +
         "\n"
         "  classes=N            (default 100)\n"
         "  depth, width, growth, cardinality, preactivation, dropout: docs/models.md\n"
         "  batch_size=N         of the memory estimate (default 128)\n"
         "  precision=NAME       of the memory estimate (default fp32)\n"
         "  optimizer=NAME       of the memory estimate: " +
         JoinNames(OptimizerNames()) +
         " (default sgd)\n"
         "  image_size=N         (default 32)\n";
}

}  // namespace fusor
