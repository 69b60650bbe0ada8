#include "client/view/watch_view.h"

#include <algorithm>
#include <cmath>

#include "client/format/clock.h"
#include "client/format/table.h"
#include "client/format/text.h"
#include "client/format/width.h"

namespace fusor::client {

namespace {

constexpr std::size_t kRunningMin = 3;  // rows of running trials that are shown at least
constexpr std::size_t kSlotsMax = 12;
constexpr std::size_t kRecentMax = 4;
constexpr std::size_t kBar = 16;
constexpr std::size_t kSmallBar = 8;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines = Split(text, '\n');
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

double Total(const WatchModel& model) {
  return std::max<double>(1, static_cast<double>(CountsOf(model.sweep().counts()).total()));
}

Duration Elapsed(const v1::Sweep& sweep, Time now) {
  const Time submitted = FromProto(sweep.submitted());
  const Time ended = FromProto(sweep.ended());
  return submitted == kNever ? Duration(0) : (ended == kNever ? now : ended) - submitted;
}

std::string LeftText(const WatchModel& model) {
  const std::optional<Duration> left = model.Left();
  if (!left || model.running().empty()) return "";
  return "about " + RoughText(*left) + " left";
}

std::vector<std::string> Head(const WatchModel& model, Time now, const Look& look) {
  const v1::Sweep& sweep = model.sweep();
  const std::string dot(look.dot());
  std::vector<std::string> lines;
  lines.push_back(look.Paint("sweep " + std::to_string(sweep.id()), Style::kStrong) + dot +
                  look.Paint(sweep.name(), Style::kStrong) + dot +
                  look.Paint(StateName(sweep.state()), StyleOf(sweep.state())) + dot +
                  CountsText(CountsOf(sweep.counts()), look));
  const double fraction = model.Work() / Total(model);
  std::string bar = look.Bar(fraction, 2 * kBar) + " " + PadLeft(PercentText(fraction), 4) + "  " +
                    DurationText(Elapsed(sweep, now));
  const std::string left = LeftText(model);
  if (!left.empty()) bar += dot + left;
  if (sweep.has_best_trial()) {
    bar += dot + "best " + sweep.objective_metric() + " " +
           look.Paint(NumberText(sweep.best_objective()), Style::kGood) + " " +
           look.Paint(TrialIdText(sweep.best_trial(), sweep), Style::kFaint);
  }
  lines.push_back(bar);
  if (!model.connection_note().empty()) {
    lines.push_back(look.Paint(model.connection_note(), Style::kWarn));
  } else if (!model.waiting_note().empty()) {
    lines.push_back(look.Paint(model.waiting_note(), Style::kWarn));
  }
  lines.emplace_back();
  return lines;
}

std::string StepText(const v1::RunningTrial& trial) {
  std::string text = std::to_string(trial.step());
  if (trial.steps() > 0) text += "/" + std::to_string(trial.steps());
  return text;
}

// What it does beside training, and its last objective.
std::string NowText(const v1::RunningTrial& trial, const v1::Sweep& sweep) {
  const bool trains = trial.phase().empty() || trial.phase() == "train";
  if (!trains) return trial.phase();
  if (!trial.has_objective()) return "";
  return sweep.objective_metric() + " " + NumberText(trial.objective());
}

std::string TrialLeft(const v1::RunningTrial& trial) {
  if (trial.steps_per_second() <= 0 || trial.steps() <= trial.step()) return "";
  const double seconds =
      static_cast<double>(trial.steps() - trial.step()) / trial.steps_per_second();
  return DurationText(Duration(static_cast<std::int64_t>(std::min(seconds, 1e9) * 1000)));
}

std::string RateText(double rate) {
  if (rate <= 0) return "";
  return NumberText(rate >= 10 ? std::round(rate) : std::round(rate * 100) / 100) + "/s";
}

std::string WhereText(const v1::RunningTrial& trial) {
  std::vector<std::string> slots;
  for (const std::uint32_t slot : trial.slots()) slots.push_back(std::to_string(slot));
  return trial.worker() + (slots.empty() ? "" : ":" + Join(slots, ","));
}

std::vector<std::string> RunningLines(const WatchModel& model, const Look& look,
                                      std::size_t rows_max) {
  if (model.running().empty()) return {};
  Table table;
  table.columns = {{"trial", "TRIAL", false, true},
                   {"progress", "PROGRESS"},
                   {"step", "STEP", true},
                   {"rate", "RATE", true},
                   {"left", "LEFT", true},
                   {"now", "NOW", false, true},
                   {"where", "WHERE"}};
  const std::size_t shown = std::min(rows_max, model.running().size());
  for (std::size_t i = 0; i < shown; ++i) {
    const v1::RunningTrial& trial = model.running()[i];
    const double fraction = Fraction(trial);
    std::string name = trial.name();
    if (trial.number() > 1) name += " #" + std::to_string(trial.number());
    table.rows.push_back(
        {name, Cell(Json(), look.Bar(fraction, kBar) + " " + PadLeft(PercentText(fraction), 4)),
         StepText(trial), RateText(trial.steps_per_second()), TrialLeft(trial),
         NowText(trial, model.sweep()), Cell(Json(), WhereText(trial), Style::kFaint)});
  }
  std::vector<std::string> lines = Lines(RenderTable(table, look));
  if (shown < model.running().size()) {
    lines.push_back(look.Paint(
        "and " + std::to_string(model.running().size() - shown) + " more running", Style::kFaint));
  }
  lines.emplace_back();
  return lines;
}

std::string MemoryText(const v1::SlotUse& slot) {
  if (slot.memory_used_gib() <= 0) return "";
  std::string text = NumberText(std::round(slot.memory_used_gib() * 10) / 10);
  if (slot.memory_gib() > 0) text += "/" + NumberText(std::round(slot.memory_gib() * 10) / 10);
  return text + " GiB";
}

std::vector<std::string> SlotLines(const WatchModel& model, const Look& look,
                                   std::size_t rows_max) {
  if (model.slots().empty() || rows_max == 0) return {};
  Table table;
  table.columns = {{"slot", "SLOT"},
                   {"use", "USE"},
                   {"memory", "MEMORY", true},
                   {"temp", "TEMP", true},
                   {"power", "POWER", true},
                   {"device", "DEVICE"},
                   {"trial", "TRIAL", false, true}};
  const std::size_t shown = std::min(rows_max, model.slots().size());
  for (std::size_t i = 0; i < shown; ++i) {
    const v1::SlotUse& slot = model.slots()[i];
    const bool known = slot.utilisation() >= 0 && slot.attempt() != 0;
    const std::string trial = model.NameOfAttempt(slot.attempt());
    table.rows.push_back(
        {slot.worker() + ":" + std::to_string(slot.slot()),
         Cell(Json(), known ? look.Bar(slot.utilisation(), kSmallBar, Style::kGood) + " " +
                                  PadLeft(PercentText(slot.utilisation()), 4)
                            : std::string()),
         MemoryText(slot),
         slot.temperature_celsius() > 0 ? std::to_string(std::lround(slot.temperature_celsius())) +
                                              (look.unicode ? "°C" : " C")
                                        : "",
         slot.power_watts() > 0 ? std::to_string(std::lround(slot.power_watts())) + " W" : "",
         slot.device(),
         slot.attempt() == 0 ? Cell(Json(), "free", Style::kFaint)
         : trial.empty()     ? Cell(Json(), "another sweep", Style::kFaint)
                             : Cell(trial)});
  }
  std::vector<std::string> lines = Lines(RenderTable(table, look));
  if (shown < model.slots().size()) {
    lines.push_back(
        look.Paint("and " + CountOf(model.slots().size() - shown, "more slot"), Style::kFaint));
  }
  lines.emplace_back();
  return lines;
}

}  // namespace

std::vector<std::string> WatchFrame(const WatchModel& model, Time now, const Look& look,
                                    std::size_t rows) {
  std::vector<std::string> frame = Head(model, now, look);
  const std::size_t recent = std::min(kRecentMax, model.recent().size());
  // What is left over after the head and the recent lines goes to running trials, then to slots.
  const std::size_t taken = frame.size() + recent + 7;
  const std::size_t room = rows > taken ? rows - taken : 0;
  const std::size_t slots = std::min({kSlotsMax, model.slots().size(), room / 2});
  const std::size_t running = std::max(kRunningMin, room - slots);
  for (std::string& line : RunningLines(model, look, running)) frame.push_back(std::move(line));
  for (std::string& line : SlotLines(model, look, slots)) frame.push_back(std::move(line));
  for (std::size_t i = model.recent().size() - recent; i < model.recent().size(); ++i) {
    frame.push_back(HappeningLine(model.recent()[i], look));
  }
  if (frame.size() > rows) frame.resize(rows);
  return frame;
}

std::string HappeningLine(const Happening& happening, const Look& look) {
  std::string line = look.Paint(ClockText(happening.time), Style::kFaint) + "  ";
  if (!happening.who.empty()) line += happening.who + "  ";
  line += look.Paint(happening.what, happening.style);
  if (!happening.why.empty()) line += "  " + look.Paint(happening.why, Style::kFaint);
  return line;
}

std::string ProgressLine(const WatchModel& model, const Look& look) {
  std::string line = PadLeft(PercentText(model.Work() / Total(model)), 4) + "  " +
                     CountsText(CountsOf(model.sweep().counts()), look);
  const std::string left = LeftText(model);
  return left.empty() ? line : line + "  " + left;
}

}  // namespace fusor::client
