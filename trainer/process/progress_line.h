#pragma once

// The line that a terminal shows while a trial runs.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

namespace fusor {

struct TerminalLook {
  bool rewrites = false;  // a terminal whose line can be written again
  bool colour = false;
  bool unicode = false;
  std::size_t columns = 80;
};

// Of the stream as it is now. Colours and UTF-8 as the `fusor` command decides them: NO_COLOR,
// TERM=dumb, the locale.
TerminalLook LookOf(std::FILE* out);

struct ProgressFacts {
  std::string title;
  std::string phase;        // empty while it trains
  std::int64_t epoch = 0;   // the present one, from 1
  std::int64_t epochs = 0;  // 0: the recipe knows none
  std::int64_t step = 0;
  std::int64_t steps = 0;
  std::optional<double> loss;
  std::optional<double> samples_per_s;
  std::optional<double> seconds_left;
};

// Never wider than the terminal: the bar shrinks first, then parts go from the end.
std::string ProgressLine(const ProgressFacts& facts, const TerminalLook& look);

}  // namespace fusor
