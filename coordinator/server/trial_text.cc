#include "coordinator/server/trial_text.h"

#include <charconv>

#include "common/recipe/suggest.h"

namespace fusor {

namespace {

std::optional<std::uint64_t> Number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

}  // namespace

Result<TrialText> ParseTrialText(std::string_view text) {
  const std::size_t first = text.find('.');
  const std::size_t last = text.rfind('.');
  const Status bad = InvalidArgument("'" + std::string(text) +
                                     "' is no trial; write SWEEP.STAGE.INDEX, as 7.experts.3");
  if (first == std::string_view::npos || first == last) return bad;
  const std::optional<std::uint64_t> cell = Number(text.substr(last + 1));
  if (!cell || first == 0 || last == first + 1) return bad;
  return TrialText{std::string(text.substr(0, first)),
                   std::string(text.substr(first + 1, last - first - 1)), *cell};
}

Result<std::optional<SweepId>> ParseSweepText(std::string_view text) {
  if (text.empty() || text == "last" || text == "0") return std::optional<SweepId>();
  const std::optional<std::uint64_t> number = Number(text);
  if (!number)
    return InvalidArgument("'" + std::string(text) + "' is no sweep; write its number or 'last'");
  return std::optional<SweepId>(SweepId{*number});
}

Result<std::uint32_t> FindStage(const std::vector<std::string>& names, std::string_view text) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) return static_cast<std::uint32_t>(i);
  }
  if (const std::optional<std::uint64_t> number = Number(text); number && *number < names.size()) {
    return static_cast<std::uint32_t>(*number);
  }
  std::optional<std::uint32_t> found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].starts_with(text)) continue;
    if (found) {
      return InvalidArgument("stage '" + std::string(text) + "' may be " + names[*found] + " or " +
                             names[i]);
    }
    found = static_cast<std::uint32_t>(i);
  }
  if (found) return *found;
  return NotFound("no stage '" + std::string(text) + "'" + Suggestion(text, names));
}

std::string TrialIdText(SweepId sweep, std::string_view stage, std::uint64_t cell) {
  return std::to_string(sweep.value) + "." + std::string(stage) + "." + std::to_string(cell);
}

}  // namespace fusor
