#include "client/format/clock.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace fusor::client {

namespace {

std::string Formatted(const char* format, const std::tm& parts) {
  std::array<char, 64> buffer{};
  return std::string(buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &parts));
}

std::string Local(Time time, const char* format) {
  if (time == kNever) return "";
  const std::time_t seconds = static_cast<std::time_t>(ToUnixMillis(time) / 1000);
  std::tm parts{};
  if (localtime_r(&seconds, &parts) == nullptr) return "";
  return Formatted(format, parts);
}

}  // namespace

std::string AgoText(Time time, Time now) {
  if (time == kNever || time == Time()) return "";
  const std::int64_t seconds = std::max<std::int64_t>(0, (now - time).count() / 1000);
  if (seconds < 60) return std::to_string(seconds) + "s ago";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m ago";
  if (seconds < 86'400) return std::to_string(seconds / 3600) + "h ago";
  if (seconds < 7 * 86'400) return std::to_string(seconds / 86'400) + "d ago";
  return DateText(time).substr(0, 10);
}

std::string ClockText(Time time) { return Local(time, "%H:%M:%S"); }

std::string DateText(Time time) { return Local(time, "%Y-%m-%d %H:%M:%S"); }

std::string IsoTime(Time time) {
  if (time == kNever) return "";
  const std::int64_t millis = ToUnixMillis(time);
  const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "";
  std::string fraction = std::to_string(1000 + millis % 1000);
  return Formatted("%Y-%m-%dT%H:%M:%S.", parts) + fraction.substr(1) + "Z";
}

}  // namespace fusor::client
