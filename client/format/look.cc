#include "client/format/look.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fusor::client {

namespace {

std::string_view Sequence(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kStrong:
      return "\x1b[1m";
    case Style::kFaint:
      return "\x1b[2m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kBad:
      return "\x1b[31m";
    case Style::kWarn:
      return "\x1b[33m";
    case Style::kActive:
      return "\x1b[36m";
  }
  return "";
}

}  // namespace

std::string Look::Paint(std::string_view text, Style style) const {
  if (!colour || style == Style::kPlain || text.empty()) return std::string(text);
  return std::string(Sequence(style)) + std::string(text) + "\x1b[0m";
}

std::string Look::Bar(double fraction, std::size_t columns, Style style) const {
  const double part = std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0;
  // A character cell is filled in eighths; a bar is full only when everything is done.
  constexpr std::array<std::string_view, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double cells = part * static_cast<double>(columns);
  auto whole = static_cast<std::size_t>(cells + 1e-9);
  std::string full;
  std::string rest;
  if (!unicode) {
    full = std::string(whole, '#');
    rest = std::string(columns - whole, '.');
  } else {
    for (std::size_t i = 0; i < whole; ++i) full += "█";
    std::size_t empty = columns - whole;
    const auto eighths = static_cast<std::size_t>((cells - static_cast<double>(whole)) * 8);
    if (empty > 0 && eighths > 0 && eighths < 8) {
      full += kEighths.at(eighths);
      --empty;
    }
    for (std::size_t i = 0; i < empty; ++i) rest += "░";
  }
  return Paint(full, style) + Paint(rest, Style::kFaint);
}

}  // namespace fusor::client
