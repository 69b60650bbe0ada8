#include "client/view/log_view.h"

#include <array>

#include "client/format/clock.h"
#include "client/format/width.h"
#include "client/view/convert.h"

namespace fusor::client {

namespace {

// Neighbouring trials get different colours.
Style PrefixStyle(const v1::LogLine& line) {
  constexpr std::array<Style, 4> kStyles = {Style::kActive, Style::kGood, Style::kWarn,
                                            Style::kStrong};
  return kStyles.at(line.trial().cell() % kStyles.size());
}

std::string WithoutEnd(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

std::string LogText(const v1::LogLine& line, const LogStyle& style, const Look& look) {
  std::string out;
  if (style.times) out += look.Paint(ClockText(FromProto(line.time())), Style::kFaint) + " ";
  if (style.prefixed) out += look.Paint("[" + line.trial_name() + "]", PrefixStyle(line)) + " ";
  const std::string text = WithoutEnd(line.text());
  return out + (style.harmless ? Printable(text) : text);
}

Json LogJson(const v1::LogLine& line, const v1::Sweep& sweep) {
  Json json = Json::Object();
  json.Set("trial", TrialIdText(line.trial(), sweep));
  json.Set("name", line.trial_name()).Set("attempt", line.attempt_number());
  json.Set("time", TimeJson(FromProto(line.time())));
  json.Set("stream", line.is_error_stream() ? "stderr" : "stdout");
  json.Set("text", WithoutEnd(line.text()));
  return json;
}

}  // namespace fusor::client
