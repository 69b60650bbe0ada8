#pragma once

// How output may look: colours, UTF-8, width. Decided once from the terminal and the environment.

#include <cstddef>
#include <string>
#include <string_view>

namespace fusor::client {

enum class Style { kPlain, kStrong, kFaint, kGood, kBad, kWarn, kActive };

struct Look {
  bool colour = false;
  bool unicode = true;
  std::size_t width = 0;  // columns to keep within; 0 = no limit

  std::string Paint(std::string_view text, Style style) const;
  std::string_view plus_minus() const { return unicode ? "±" : "+-"; }
  std::string_view ellipsis() const { return unicode ? "…" : "~"; }
  std::string_view dot() const { return unicode ? " · " : " - "; }

  // A progress bar of `columns` columns.
  std::string Bar(double fraction, std::size_t columns, Style style = Style::kActive) const;
};

}  // namespace fusor::client
