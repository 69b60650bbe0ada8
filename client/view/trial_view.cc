#include "client/view/trial_view.h"

#include <algorithm>
#include <map>
#include <utility>

#include "client/format/clock.h"
#include "client/format/text.h"
#include "client/format/width.h"
#include "client/view/convert.h"
#include "common/base/outcome.h"

namespace fusor::client {

namespace {

constexpr std::size_t kWhyWidth = 100;  // in the list

// "crashed (by a signal)" of "crashed(signal)"; what is no failure stays as it is.
std::string OutcomeWords(const std::string& outcome) {
  const std::optional<Failure> failure = FailureFromName(outcome);
  return failure ? FailureWords(*failure) : outcome;
}

std::string StepText(std::int64_t step) {
  return step > 0 ? CountText(static_cast<std::uint64_t>(step)) : "";
}

Json ObjectiveJson(const v1::Trial& trial) {
  return trial.has_objective() ? Json(trial.objective()) : Json();
}

// Why it is in this state: the failure's name and what is known beyond it.
std::string WhyText(const v1::Trial& trial) {
  if (trial.state() == v1::TRIAL_STATE_SKIPPED && trial.reason().empty()) {
    return "a trial that it needs did not succeed; fusor explain says which";
  }
  if (trial.failure().empty() || trial.failure() == "none") return trial.reason();
  std::string words = OutcomeWords(trial.failure());
  if (trial.reason().empty()) return words;
  const bool is_said = trial.reason().starts_with(words.substr(0, words.find(" (")));
  return is_said ? trial.reason() : words + ": " + trial.reason();
}

// "is ready", "has failed", "was canceled"
std::string_view VerbOf(v1::TrialState state) {
  switch (state) {
    case v1::TRIAL_STATE_SUCCEEDED:
    case v1::TRIAL_STATE_FAILED:
      return "has";
    case v1::TRIAL_STATE_CANCELED:
    case v1::TRIAL_STATE_SKIPPED:
      return "was";
    default:
      return "is";
  }
}

Duration AttemptTime(const v1::Attempt& attempt, Time now) {
  const Time started = FromProto(attempt.started());
  const Time ended = FromProto(attempt.ended());
  if (started == kNever) return Duration(0);
  return (ended == kNever ? now : ended) - started;
}

std::string SlotsText(const v1::Attempt& attempt) {
  std::vector<std::string> slots;
  for (const std::uint32_t slot : attempt.slots()) slots.push_back(std::to_string(slot));
  return attempt.worker() + (slots.empty() ? "" : ":" + Join(slots, ","));
}

std::string FromText(const v1::Attempt& attempt) {
  if (attempt.resumed_from_step() <= 0) return "";
  return "step " + std::to_string(attempt.resumed_from_step()) +
         (attempt.bit_exact() ? "" : ", not bit-exact");
}

template <class Map>
std::map<std::string, std::string> Sorted(const Map& map) {
  return {map.begin(), map.end()};
}

template <class Map>
Json TextsJson(const Map& map) {
  Json json = Json::Object();
  for (const auto& [key, value] : Sorted(map)) json.Set(key, value);
  return json;
}

Json AttemptJson(const v1::Attempt& attempt) {
  Json json = Json::Object();
  json.Set("number", attempt.number()).Set("id", attempt.id()).Set("state", attempt.state());
  json.Set("outcome", attempt.outcome()).Set("detail", attempt.detail());
  json.Set("worker", attempt.worker());
  Json slots = Json::Array();
  for (const std::uint32_t slot : attempt.slots()) slots.Add(slot);
  json.Set("slots", slots);
  json.Set("resumed_from_step",
           attempt.resumed_from_step() < 0 ? Json() : Json(attempt.resumed_from_step()));
  json.Set("bit_exact", attempt.bit_exact()).Set("precision_used", attempt.precision_used());
  json.Set("granted_because", attempt.granted_because());
  json.Set("granted", TimeJson(FromProto(attempt.granted())));
  json.Set("started", TimeJson(FromProto(attempt.started())));
  json.Set("ended", TimeJson(FromProto(attempt.ended())));
  json.Set("info", TextsJson(attempt.info()));
  json.Set("log_tail", Json::Texts({attempt.log_tail().begin(), attempt.log_tail().end()}));
  return json;
}

Json EventJson(const v1::Event& event) {
  Json json = Json::Object();
  json.Set("id", event.id()).Set("time", TimeJson(FromProto(event.time())));
  json.Set("kind", event.kind()).Set("detail", event.detail()).Set("reason", event.reason());
  return json;
}

std::string AttemptsText(const v1::GetTrialResponse& response, Time now, const Look& look) {
  Table table;
  table.columns = {{"number", "ATTEMPT", true},
                   {"state", "STATE"},
                   {"outcome", "OUTCOME"},
                   {"where", "WHERE"},
                   {"from", "FROM"},
                   {"started", "STARTED"},
                   {"time", "TIME", true},
                   {"detail", "DETAIL", false, true, Show::kAlways, true}};
  for (const v1::Attempt& attempt : response.attempts()) {
    const bool failed = !attempt.outcome().empty() && attempt.outcome() != "succeeded" &&
                        attempt.outcome() != "released";
    const Duration time = AttemptTime(attempt, now);
    table.rows.push_back(
        {std::to_string(attempt.number()), attempt.state(),
         Cell(Json(), OutcomeWords(attempt.outcome()), failed ? Style::kBad : Style::kGood),
         SlotsText(attempt), FromText(attempt), DateText(FromProto(attempt.started())),
         time.count() == 0 ? "" : DurationText(time),
         attempt.detail().empty() ? attempt.granted_because() : attempt.detail()});
  }
  return table.rows.empty() ? "" : "\n" + RenderTable(table, look);
}

std::string LogTailText(const v1::GetTrialResponse& response, const Look& look) {
  if (response.attempts().empty()) return "";
  const v1::Attempt& last = *response.attempts().rbegin();
  if (last.log_tail().empty()) return "";
  constexpr int kShown = 12;
  std::string out =
      "\n" + look.Paint("last lines of attempt " + std::to_string(last.number()), Style::kFaint) +
      "\n";
  for (int i = std::max(0, last.log_tail_size() - kShown); i < last.log_tail_size(); ++i) {
    out += "  " + Printable(last.log_tail(i)) + "\n";
  }
  return out;
}

std::string EventsText(const v1::GetTrialResponse& response, const Look& look) {
  Table table;
  table.columns = {{"time", "WHEN"},
                   {"kind", "EVENT"},
                   {"detail", "DETAIL", false, true, Show::kAlways, true},
                   {"reason", "WHY", false, true, Show::kAlways, true}};
  for (const v1::Event& event : response.events()) {
    std::string kind = event.kind();
    std::replace(kind.begin(), kind.end(), '_', ' ');
    table.rows.push_back({DateText(FromProto(event.time())), kind, event.detail(), event.reason()});
  }
  return table.rows.empty() ? "" : "\n" + RenderTable(table, look);
}

}  // namespace

Table TrialTable(const std::vector<std::string>& axes) {
  Table table;
  table.columns = {
      {"id", "ID"}, {"name", "NAME", false, true}, {"stage", "", false, false, Show::kData}};
  for (const std::string& axis : axes) {
    table.columns.push_back({"axes." + axis, "", false, false, Show::kData});
  }
  const std::vector<Column> rest = {{"state", "STATE"},
                                    {"failure", "", false, false, Show::kData},
                                    {"step", "STEP", true},
                                    {"objective", "OBJECTIVE", true},
                                    {"objective_step", "", true, false, Show::kData},
                                    {"attempts", "ATTEMPTS", true},
                                    {"seconds", "TIME", true},
                                    {"precision_used", "RAN IN"},
                                    {"config_hash", "", false, false, Show::kData},
                                    {"started", "", false, false, Show::kData},
                                    {"ended", "", false, false, Show::kData},
                                    {"reason", "WHY", false, true}};
  table.columns.insert(table.columns.end(), rest.begin(), rest.end());
  return table;
}

Row TrialRow(const v1::Trial& trial, const std::vector<std::string>& axes) {
  Row row;
  row.emplace_back(trial.id(), trial.id());
  row.emplace_back(trial.name());
  row.emplace_back(trial.stage());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const bool has = i < static_cast<std::size_t>(trial.axis_values_size());
    row.emplace_back(has ? Json(trial.axis_values(static_cast<int>(i))) : Json(), "");
  }
  const Duration running = FromProto(trial.running());
  const bool succeeded = trial.state() == v1::TRIAL_STATE_SUCCEEDED;
  row.emplace_back(StateName(trial.state()), std::string(StateName(trial.state())),
                   StyleOf(trial.state()));
  row.emplace_back(trial.failure(), "");
  row.emplace_back(trial.step(), StepText(trial.step()));
  row.emplace_back(ObjectiveJson(trial),
                   trial.has_objective() ? NumberText(trial.objective()) : "");
  row.emplace_back(trial.has_objective() ? Json(trial.objective_step()) : Json(), "");
  row.emplace_back(trial.attempts(), trial.attempts() > 0 ? std::to_string(trial.attempts()) : "",
                   trial.attempts() > 1 ? Style::kWarn : Style::kPlain);
  row.emplace_back(SecondsJson(running), running.count() > 0 ? DurationText(running) : "");
  row.emplace_back(trial.precision_used(), trial.precision_used(), Style::kWarn);
  row.emplace_back(trial.config_hash(), "");
  row.emplace_back(TimeJson(FromProto(trial.first_granted())), "");
  row.emplace_back(TimeJson(FromProto(trial.ended())), "");
  // The rest stands with the trial itself.
  row.emplace_back(trial.reason(), succeeded ? "" : CutTo(WhyText(trial), kWhyWidth, "..."),
                   Style::kFaint);
  return row;
}

std::vector<std::string> StateReasons(const v1::GetTrialResponse& response) {
  std::vector<std::string> reasons;
  if (response.trial().state() == v1::TRIAL_STATE_RUNNING && !response.attempts().empty()) {
    const v1::Attempt& attempt = *response.attempts().rbegin();
    reasons.push_back("attempt " + std::to_string(attempt.number()) + " is on " +
                      SlotsText(attempt) +
                      (attempt.granted_because().empty() ? "" : ": " + attempt.granted_because()));
    return reasons;
  }
  std::string why = WhyText(response.trial());
  if (!why.empty()) reasons.push_back(std::move(why));
  return reasons;
}

Table TrialAsTable(const v1::GetTrialResponse& response) {
  Table table = TrialTable({});
  Row row = TrialRow(response.trial(), {});
  for (const auto& [name, value] : Sorted(response.trial().params())) {
    table.columns.push_back({"params." + name, ""});
    row.emplace_back(value);
  }
  table.rows.push_back(std::move(row));
  return table;
}

Json TrialJson(const v1::GetTrialResponse& response) {
  const v1::Trial& trial = response.trial();
  Json json = Json::Object();
  json.Set("id", trial.id()).Set("name", trial.name()).Set("stage", trial.stage());
  json.Set("state", StateName(trial.state())).Set("failure", trial.failure());
  json.Set("reason", trial.reason()).Set("params", TextsJson(trial.params()));
  json.Set("config_hash", trial.config_hash()).Set("step", trial.step());
  json.Set("objective", ObjectiveJson(trial));
  json.Set("objective_step", trial.has_objective() ? Json(trial.objective_step()) : Json());
  json.Set("seconds", SecondsJson(FromProto(trial.running())));
  json.Set("precision_used", trial.precision_used());
  json.Set("started", TimeJson(FromProto(trial.first_granted())));
  json.Set("ended", TimeJson(FromProto(trial.ended())));
  Json attempts = Json::Array();
  for (const v1::Attempt& attempt : response.attempts()) attempts.Add(AttemptJson(attempt));
  json.Set("attempts", attempts);
  Json events = Json::Array();
  for (const v1::Event& event : response.events()) events.Add(EventJson(event));
  json.Set("events", events);
  return json;
}

namespace {

// What the sweep file chose; the defaults would bury it.
std::string ParamsText(const v1::GetTrialResponse& response) {
  const auto params = Sorted(response.trial().params());
  std::vector<std::string> lines;
  for (const std::string& name : response.chosen_params()) {
    const auto found = params.find(name);
    if (found == params.end()) continue;
    lines.push_back(name + ": " + (found->second.empty() ? "(empty)" : found->second));
  }
  if (const std::size_t others = params.size() - lines.size(); others > 0) {
    lines.push_back(std::to_string(others) + " at their defaults (-o json shows them)");
  }
  return Join(lines, "\n");
}

}  // namespace

std::string TrialText(const v1::GetTrialResponse& response, Time now, const Look& look) {
  const v1::Trial& trial = response.trial();
  std::string out = look.Paint("trial " + trial.id(), Style::kStrong) + std::string(look.dot()) +
                    look.Paint(trial.name(), Style::kStrong) + std::string(look.dot()) +
                    look.Paint(StateName(trial.state()), StyleOf(trial.state())) + "\n\n";
  std::vector<std::pair<std::string, std::string>> fields;
  fields.emplace_back("why", WhyText(trial));
  if (trial.has_objective()) {
    fields.emplace_back("objective", look.Paint(NumberText(trial.objective()), Style::kGood) +
                                         " at step " + std::to_string(trial.objective_step()));
  }
  fields.emplace_back("step", StepText(trial.step()));
  const Duration running = FromProto(trial.running());
  fields.emplace_back("running time", running.count() > 0 ? DurationText(running) : "");
  fields.emplace_back("ran in", trial.precision_used());
  fields.emplace_back("parameters", ParamsText(response));
  fields.emplace_back("config hash", trial.config_hash().substr(0, 16));
  return out + RenderFields(fields, look) + AttemptsText(response, now, look) +
         LogTailText(response, look) + EventsText(response, look);
}

Json ExplainJson(const std::string& id, const v1::ExplainTrialResponse& response) {
  Json json = Json::Object();
  json.Set("trial", id).Set("state", StateName(response.state()));
  json.Set("reasons", Json::Texts({response.reasons().begin(), response.reasons().end()}));
  json.Set("skipped_because_of", Json::Texts({response.skipped_because_of().begin(),
                                              response.skipped_because_of().end()}));
  return json;
}

std::string ExplainText(const std::string& id, const v1::ExplainTrialResponse& response,
                        const Look& look) {
  std::string out = look.Paint(id, Style::kStrong) + " " + std::string(VerbOf(response.state())) +
                    " " + look.Paint(StateName(response.state()), StyleOf(response.state()));
  out += response.reasons().empty() ? "\n" : ":\n";
  int number = 0;
  for (const std::string& reason : response.reasons()) {
    out += "  " + std::to_string(++number) + ". " + reason + "\n";
  }
  return out;
}

}  // namespace fusor::client
