#include "coordinator/spec/names.h"

#include <algorithm>
#include <string_view>

#include "common/base/limits.h"
#include "common/text/scalar.h"

namespace fusor {

namespace {

constexpr std::size_t kNameBytesMax = 64;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool HasOnly(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return IsLetter(c) || IsDigit(c) || others.find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<std::string> ReadSweepName(const YamlNode& node) {
  auto name = ReadText(node);
  if (!name.ok()) return name;
  const bool good = !name->empty() && name->size() <= kNameBytesMax && HasOnly(*name, "._-") &&
                    (IsLetter((*name)[0]) || IsDigit((*name)[0]));
  if (good) return name;
  return InvalidArgument(Describe(node) +
                         " is no name: letters, digits, '.', '_' and '-', at most 64, a letter or "
                         "digit first");
}

Status CheckStageName(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= kNameBytesMax && HasOnly(name, "_-") && IsLetter(name[0]);
  if (good) return Ok();
  return InvalidArgument(
      "a stage's name has letters, digits, '_' and '-', at most 64, and begins with a letter");
}

Result<std::string> ReadGpuType(const YamlNode& node) {
  auto name = ReadText(node);
  if (!name.ok()) return name;
  if (!name->empty() && name->size() <= kNameBytesMax && HasOnly(*name, "._-")) return name;
  return InvalidArgument(Describe(node) + " is no GPU type; write its short name, e.g. A100");
}

Result<std::string> ReadMetricName(const YamlNode& node) {
  auto name = ReadText(node);
  if (!name.ok()) return name;
  if (!name->empty() && name->size() <= limits::kMetricNameBytesMax && HasOnly(*name, "_-./@")) {
    return name;
  }
  return InvalidArgument(Describe(node) + " is no metric's name, e.g. val/accuracy");
}

}  // namespace fusor
