#include "client/view/sweep_view.h"

#include "client/cli/spec.h"
#include "client/format/clock.h"
#include "client/format/text.h"
#include "client/format/width.h"
#include "client/view/convert.h"

namespace fusor::client {

namespace {

constexpr std::size_t kListBar = 10;
constexpr std::size_t kShowBar = 30;

Duration Elapsed(const v1::Sweep& sweep, Time now) {
  const Time submitted = FromProto(sweep.submitted());
  const Time ended = FromProto(sweep.ended());
  if (submitted == kNever) return Duration(0);
  return (ended == kNever ? now : ended) - submitted;
}

std::string BarAndPercent(const Counts& counts, std::size_t columns, const Look& look) {
  const Style style = counts.failed > 0 ? Style::kWarn : Style::kGood;
  return look.Bar(counts.fraction(), columns, style) + " " +
         PadLeft(PercentText(counts.fraction()), 4);
}

std::string BestText(const v1::Sweep& sweep) {
  return sweep.has_best_trial() ? NumberText(sweep.best_objective()) : "";
}

Json StageJson(const v1::StageStatus& stage) {
  Json json = Json::Object();
  json.Set("name", stage.name()).Set("recipe", stage.recipe()).Set("cells", stage.cells());
  json.Set("trials", stage.trials());
  json.Set("axes", Json::Texts({stage.axes().begin(), stage.axes().end()}));
  json.Set("counts", CountsJson(CountsOf(stage.counts())));
  return json;
}

Table StageTable(const v1::Sweep& sweep, const Look& look) {
  Table table;
  table.columns = {
      {"stage", "STAGE"},           {"recipe", "RECIPE"},           {"progress", "PROGRESS"},
      {"trials", "TRIALS", true},   {"excluded", "EXCLUDED", true}, {"states", "STATES"},
      {"axes", "AXES", false, true}};
  for (const v1::StageStatus& stage : sweep.stages()) {
    const Counts counts = CountsOf(stage.counts());
    const std::uint64_t excluded = stage.cells() - std::min(stage.cells(), stage.trials());
    table.rows.push_back({stage.name(), stage.recipe(),
                          Cell(Json(), BarAndPercent(counts, kListBar, look)),
                          CountText(stage.trials()), excluded == 0 ? "" : CountText(excluded),
                          Cell(Json(), CountsText(counts, look)),
                          Join({stage.axes().begin(), stage.axes().end()}, ", ")});
  }
  return table;
}

}  // namespace

Table SweepTable(Time, const Look&) {
  Table table;
  table.columns = {{"id", "ID", true},
                   {"name", "NAME", false, true},
                   {"state", "STATE"},
                   {"progress", "PROGRESS", false, false, Show::kPeople},
                   {"trials", "TRIALS", true},
                   {"blocked", "", true, false, Show::kData},
                   {"ready", "", true, false, Show::kData},
                   {"running", "RUNNING", true},
                   {"succeeded", "", true, false, Show::kData},
                   {"failed", "FAILED", true},
                   {"canceled", "", true, false, Show::kData},
                   {"skipped", "", true, false, Show::kData},
                   {"objective", "", false, false, Show::kData},
                   {"best", "BEST", true},
                   {"best_trial", "", false, false, Show::kData},
                   {"priority", "PRIO", true},
                   {"submitted", "SUBMITTED", true},
                   {"ended", "", false, false, Show::kData},
                   {"seconds", "TIME", true}};
  return table;
}

Row SweepRow(const v1::Sweep& sweep, Time now, const Look& look) {
  const Counts counts = CountsOf(sweep.counts());
  const Time submitted = FromProto(sweep.submitted());
  const Duration elapsed = Elapsed(sweep, now);
  const auto number = [](std::uint64_t count, Style style) {
    return Cell(count, count == 0 ? "" : CountText(count), style);
  };
  Row row;
  row.emplace_back(sweep.id(), std::to_string(sweep.id()), Style::kStrong);
  row.emplace_back(sweep.name());
  row.emplace_back(StateName(sweep.state()), std::string(StateName(sweep.state())),
                   StyleOf(sweep.state()));
  row.emplace_back(Json(), BarAndPercent(counts, kListBar, look));
  row.emplace_back(sweep.trials(), CountText(sweep.trials()));
  row.emplace_back(counts.blocked, "");
  row.emplace_back(counts.ready, "");
  row.push_back(number(counts.running, Style::kActive));
  row.emplace_back(counts.succeeded, "");
  row.push_back(number(counts.failed, Style::kBad));
  row.emplace_back(counts.canceled, "");
  row.emplace_back(counts.skipped, "");
  row.emplace_back(sweep.objective_metric(), "");
  row.emplace_back(sweep.has_best_trial() ? Json(sweep.best_objective()) : Json(), BestText(sweep));
  row.emplace_back(sweep.has_best_trial() ? Json(TrialIdText(sweep.best_trial(), sweep)) : Json(),
                   "");
  row.emplace_back(sweep.priority(), std::to_string(sweep.priority()), Style::kFaint);
  row.emplace_back(TimeJson(submitted), AgoText(submitted, now), Style::kFaint);
  row.emplace_back(TimeJson(FromProto(sweep.ended())), "");
  row.emplace_back(SecondsJson(elapsed), DurationText(elapsed));
  return row;
}

Json SweepJson(const v1::GetSweepResponse& response) {
  const v1::Sweep& sweep = response.sweep();
  Json json = Json::Object();
  json.Set("id", sweep.id()).Set("name", sweep.name()).Set("state", StateName(sweep.state()));
  json.Set("priority", sweep.priority()).Set("max_running", sweep.max_running());
  json.Set("submitted", TimeJson(FromProto(sweep.submitted())));
  json.Set("ended", TimeJson(FromProto(sweep.ended())));
  json.Set("trials", sweep.trials()).Set("counts", CountsJson(CountsOf(sweep.counts())));
  Json objective = Json::Object();
  objective.Set("metric", sweep.objective_metric());
  objective.Set("goal", sweep.objective_maximize() ? "maximize" : "minimize");
  json.Set("objective", sweep.objective_metric().empty() ? Json() : objective);
  Json best = Json::Object();
  best.Set("trial", TrialIdText(sweep.best_trial(), sweep)).Set("value", sweep.best_objective());
  json.Set("best", sweep.has_best_trial() ? best : Json());
  json.Set("slot_seconds", sweep.slot_seconds());
  json.Set("slot_utilisation", sweep.slot_utilisation());
  Json stages = Json::Array();
  for (const v1::StageStatus& stage : sweep.stages()) stages.Add(StageJson(stage));
  json.Set("stages", stages);
  if (!response.source().empty()) {
    json.Set("source", response.source());
    json.Set("overrides", Json::Texts({response.overrides().begin(), response.overrides().end()}));
  }
  return json;
}

std::string SweepText(const v1::Sweep& sweep, Time now, const Look& look) {
  const Counts counts = CountsOf(sweep.counts());
  const Time submitted = FromProto(sweep.submitted());
  const Time ended = FromProto(sweep.ended());
  std::string out = look.Paint("sweep " + std::to_string(sweep.id()), Style::kStrong) +
                    std::string(look.dot()) + look.Paint(sweep.name(), Style::kStrong) +
                    std::string(look.dot()) +
                    look.Paint(StateName(sweep.state()), StyleOf(sweep.state())) + "\n\n";
  std::vector<std::pair<std::string, std::string>> fields;
  fields.emplace_back("progress",
                      BarAndPercent(counts, kShowBar, look) + "  " + CountsText(counts, look));
  if (!sweep.objective_metric().empty()) {
    fields.emplace_back("objective", sweep.objective_metric() + ", " +
                                         (sweep.objective_maximize() ? "maximize" : "minimize"));
  }
  if (sweep.has_best_trial()) {
    fields.emplace_back("best", look.Paint(BestText(sweep), Style::kGood) + "  " +
                                    TrialIdText(sweep.best_trial(), sweep));
  }
  fields.emplace_back("priority",
                      std::to_string(sweep.priority()) +
                          (sweep.max_running() > 0
                               ? ", at most " + CountOf(sweep.max_running(), "trial") + " at a time"
                               : ""));
  fields.emplace_back("submitted", DateText(submitted) + "  (" + AgoText(submitted, now) + ")");
  if (ended != kNever) fields.emplace_back("ended", DateText(ended));
  fields.emplace_back("time", DurationText(Elapsed(sweep, now)));
  if (sweep.slot_seconds() > 0) {
    const Duration slot_time(static_cast<std::int64_t>(sweep.slot_seconds() * 1000));
    std::string text = DurationText(slot_time) + " of slot time";
    if (sweep.slot_utilisation() > 0) {
      text += ", " + PercentText(sweep.slot_utilisation()) + " of what it could use";
    }
    fields.emplace_back("slots", text);
  }
  return out + RenderFields(fields, look) + "\n" + RenderTable(StageTable(sweep, look), look);
}

std::string SweepEndText(const v1::Sweep& sweep, Time now, const Look& look) {
  const Counts counts = CountsOf(sweep.counts());
  const Style style = ExitCodeOf(sweep) == kExitOk ? Style::kGood : Style::kWarn;
  return look.Paint("sweep " + std::to_string(sweep.id()) + " (" + sweep.name() + ") " +
                        std::string(StateName(sweep.state())),
                    style) +
         " after " + DurationText(Elapsed(sweep, now)) + ": " + CountsText(counts, look);
}

int ExitCodeOf(const v1::Sweep& sweep) {
  const Counts counts = CountsOf(sweep.counts());
  return counts.succeeded == counts.total() ? kExitOk : kExitFailed;
}

}  // namespace fusor::client
