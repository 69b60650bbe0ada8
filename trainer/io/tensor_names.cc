#include "trainer/io/tensor_names.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <vector>

namespace fusor {
namespace {

using Parts = std::vector<std::string>;

struct Renaming {
  const char* before;
  const char* from;
  const char* to;
};
// A part that is called so, behind a part that begins so; empty: behind anything.
constexpr Renaming kRenamings[] = {
    {"", "expert_backbones", "experts"}, {"", "fusion_module", "fusion"},
    {"", "shortcut", "downsample"},      {"", "linear", "fc"},
    {"features", "0", "conv0"},          {"features", "1", "norm0"},
    {"features", "norm_final", "norm5"}, {"dense_layer", "0", "norm1"},
    {"dense_layer", "2", "conv1"},       {"dense_layer", "3", "norm2"},
    {"dense_layer", "5", "conv2"},       {"transition_layer", "0", "norm"},
    {"transition_layer", "2", "conv"},
};

// Holders of others, dropped where they stand behind a part that begins so.
constexpr Renaming kDropped[] = {{"denselayer", "dense_layer", ""},
                                 {"transition", "transition_layer", ""},
                                 {"conv2", "conv", ""}};

Parts Split(std::string_view name) {
  Parts parts(1);
  for (const char c : name) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// dense_block.0 is denselayer1.
void JoinDenseLayers(Parts& parts) {
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    int layer = 0;
    const std::string& number = parts[i + 1];
    const char* end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, layer);
    if (parts[i] != "dense_block" || error != std::errc() || stop != end) continue;
    parts[i] = "denselayer" + std::to_string(layer + 1);
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
}

}  // namespace

std::string OwnName(std::string_view name) {
  Parts parts = Split(name);
  for (std::size_t i = parts.size(); i-- > 0;) {
    const std::string before = i > 0 ? parts[i - 1] : "";
    const auto found =
        std::find_if(std::begin(kRenamings), std::end(kRenamings), [&](const Renaming& renaming) {
          return parts[i] == renaming.from && before.starts_with(renaming.before);
        });
    if (found != std::end(kRenamings)) parts[i] = found->to;
  }
  JoinDenseLayers(parts);
  for (std::size_t i = parts.size(); i-- > 1;) {
    for (const Renaming& dropped : kDropped) {
      if (parts[i] != dropped.from || !parts[i - 1].starts_with(dropped.before)) continue;
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  }
  std::string own;
  for (const std::string& part : parts) own += (own.empty() ? "" : ".") + part;
  return own;
}

}  // namespace fusor
