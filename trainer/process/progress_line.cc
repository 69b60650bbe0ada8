#include "trainer/process/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace fusor {
namespace {

constexpr std::size_t kBarMax = 30;
constexpr std::size_t kBarMin = 8;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The first of the three that is set decides.
bool LocaleIsUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value = Variable(name);
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

std::string Format(const char* format, double number) {
  char text[48];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

// "1:23" or "2:03:04"
std::string ClockText(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  char text[48];
  if (whole < 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  }
  return text;
}

std::string Ratio(const char* name, std::int64_t part, std::int64_t whole) {
  return std::string(name) + " " + std::to_string(part) + "/" + std::to_string(whole);
}

std::string Bar(double fraction, std::size_t columns, const TerminalLook& look) {
  const auto full = static_cast<std::size_t>(fraction * static_cast<double>(columns) + 1e-9);
  std::string text = look.colour ? "\x1b[36m" : "";
  for (std::size_t i = 0; i < full; ++i) text += look.unicode ? "█" : "#";
  if (look.colour) text += "\x1b[0m\x1b[2m";
  for (std::size_t i = full; i < columns; ++i) text += look.unicode ? "░" : ".";
  return text + (look.colour ? "\x1b[0m" : "");
}

// The most important first.
std::vector<std::string> PartsOf(const ProgressFacts& facts) {
  std::vector<std::string> parts = {facts.title};
  if (!facts.phase.empty()) parts.push_back(facts.phase);
  if (facts.epochs > 0) parts.push_back(Ratio("epoch", facts.epoch, facts.epochs));
  parts.push_back(Ratio("step", facts.step, facts.steps));
  if (facts.loss) parts.push_back("loss " + Format("%.4g", *facts.loss));
  if (facts.seconds_left) parts.push_back(ClockText(*facts.seconds_left) + " left");
  if (facts.samples_per_s) {
    parts.push_back(Format(*facts.samples_per_s < 10 ? "%.1f" : "%.0f", *facts.samples_per_s) +
                    " samples/s");
  }
  return parts;
}

}  // namespace

TerminalLook LookOf(std::FILE* out) {
  TerminalLook look;
  const int descriptor = fileno(out);
  const bool dumb = Variable("TERM") == "dumb";
  look.rewrites = isatty(descriptor) == 1 && !dumb;
  look.colour = look.rewrites && Variable("NO_COLOR").empty();
  look.unicode = LocaleIsUtf8();
  winsize size{};
  if (look.rewrites && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    look.columns = size.ws_col;
  }
  return look;
}

std::string ProgressLine(const ProgressFacts& facts, const TerminalLook& look) {
  // The last column stays free: some terminals wrap when it is written.
  const std::size_t room = look.columns > 0 ? look.columns - 1 : 0;
  std::string text;
  for (const std::string& part : PartsOf(facts)) {
    const std::size_t width = text.size() + (text.empty() ? 0 : 2) + part.size();
    if (width > room) break;
    text += (text.empty() ? "" : "  ") + part;
  }
  if (facts.steps == 0 || text.size() + 2 + kBarMin > room) return text;
  const double fraction =
      std::clamp(static_cast<double>(facts.step) / static_cast<double>(facts.steps), 0.0, 1.0);
  return text + "  " + Bar(fraction, std::min(kBarMax, room - text.size() - 2), look);
}

}  // namespace fusor
