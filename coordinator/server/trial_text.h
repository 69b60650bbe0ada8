#pragma once

// The text forms of sweeps and trials: "7", "last", "7.experts.3".

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/id.h"
#include "common/base/status.h"

namespace fusor {

// "7.experts.3", taken apart; nothing is looked up yet.
struct TrialText {
  std::string sweep;  // "7" or "last"
  std::string stage;  // a name, the beginning of one, or a number
  std::uint64_t cell = 0;

  friend bool operator==(const TrialText&, const TrialText&) = default;
};
Result<TrialText> ParseTrialText(std::string_view text);

// "7" -> 7, "last" and "" -> nothing (the newest).
Result<std::optional<SweepId>> ParseSweepText(std::string_view text);

// The stage that `text` means: its name, else its number, else a unique beginning of its name.
Result<std::uint32_t> FindStage(const std::vector<std::string>& names, std::string_view text);

std::string TrialIdText(SweepId sweep, std::string_view stage, std::uint64_t cell);

}  // namespace fusor
