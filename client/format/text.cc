#include "client/format/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace fusor::client {

namespace {

std::string Formatted(const char* format, double value) {
  std::array<char, 64> buffer{};
  const int bytes = std::snprintf(buffer.data(), buffer.size(), format, value);
  return std::string(buffer.data(), static_cast<std::size_t>(std::clamp(bytes, 0, 63)));
}

std::string Fixed(double value, int decimals) {
  std::array<char, 400> buffer{};
  const int bytes = std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value);
  return std::string(buffer.data(), static_cast<std::size_t>(std::clamp(bytes, 0, 399)));
}

std::string TwoDigits(std::int64_t value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

struct Unit {
  std::string_view name;
  std::int64_t millis;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

}  // namespace

std::string NumberText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double size = std::abs(value);
  if (size >= 1e5 && size < 1e9) return Fixed(value, 0);
  return Formatted("%.5g", value);
}

std::string MeanText(double mean, double spread, std::string_view plus_minus) {
  if (!std::isfinite(mean) || !std::isfinite(spread) || spread <= 0) return NumberText(mean);
  const double digits = 1 - std::floor(std::log10(spread));
  if (digits > 9 || std::abs(mean) >= 1e9) {
    return NumberText(mean) + " " + std::string(plus_minus) + " " + Formatted("%.2g", spread);
  }
  const int decimals = std::max(0, static_cast<int>(digits));
  return Fixed(mean, decimals) + " " + std::string(plus_minus) + " " + Fixed(spread, decimals);
}

std::string DurationText(Duration duration) {
  const std::int64_t millis = std::max<std::int64_t>(0, duration.count());
  if (millis < 1000) return std::to_string(millis) + "ms";
  if (millis < 59'950) return Fixed(static_cast<double>(millis) / 1000, 1) + "s";
  const std::int64_t seconds = (millis + 500) / 1000;
  const std::int64_t minutes = seconds / 60;
  const std::int64_t hours = minutes / 60;
  if (hours == 0) return std::to_string(minutes) + "m " + TwoDigits(seconds % 60) + "s";
  if (hours < 24) return std::to_string(hours) + "h " + TwoDigits(minutes % 60) + "m";
  return std::to_string(hours / 24) + "d " + std::to_string(hours % 24) + "h";
}

std::string RoughText(Duration duration) {
  const std::int64_t seconds = std::max<std::int64_t>(1, (duration.count() + 500) / 1'000);
  return seconds < 60 ? std::to_string(seconds) + "s" : DurationText(Duration(seconds * 1'000));
}

std::string BytesText(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<std::string_view, 5> kNames = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (size /= 1024; size >= 1023.5 && unit + 1 < kNames.size(); ++unit) size /= 1024;
  return Fixed(size, size < 9.95 ? 1 : 0) + " " + std::string(kNames.at(unit));
}

std::string PercentText(double fraction) {
  const double percent = std::clamp(fraction, 0.0, 1.0) * 100;
  return std::to_string(static_cast<int>(std::floor(percent + 1e-9))) + "%";
}

Result<Duration> ParseDuration(std::string_view text) {
  const Status refused =
      InvalidArgument("'" + std::string(text) + "' is no duration; write 30s, 10m, 1h30m or 2d");
  std::string_view rest = Trim(text);
  double total = 0;
  if (rest.empty()) return refused;
  while (!rest.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(number) || number < 0) return refused;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::size_t letters = std::min(rest.find_first_of("0123456789."), rest.size());
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& each) { return each.name == name; });
    const bool is_bare = name.empty() && total == 0 && rest.empty();
    if (unit == kUnits.end() && !is_bare) return refused;
    total += number * static_cast<double>(is_bare ? 1000 : unit->millis);
  }
  if (total > 1e13) return refused;
  return Duration(static_cast<std::int64_t>(std::llround(total)));
}

std::string ShellWord(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+-@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) joined += separator;
    joined += parts[i];
  }
  return joined;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace fusor::client
