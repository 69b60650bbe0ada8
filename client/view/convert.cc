#include "client/view/convert.h"

#include <array>

#include "client/format/clock.h"
#include "client/format/text.h"

namespace fusor::client {

namespace {

constexpr std::array<v1::TrialState, 7> kTrialStates = {
    v1::TRIAL_STATE_BLOCKED,   v1::TRIAL_STATE_READY,  v1::TRIAL_STATE_RUNNING,
    v1::TRIAL_STATE_SUCCEEDED, v1::TRIAL_STATE_FAILED, v1::TRIAL_STATE_CANCELED,
    v1::TRIAL_STATE_SKIPPED};

}  // namespace

Time FromProto(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return kNever;
  return FromUnixMillis(time.seconds() * 1000 + time.nanos() / 1'000'000);
}

Duration FromProto(const google::protobuf::Duration& duration) {
  return Duration(duration.seconds() * 1000 + duration.nanos() / 1'000'000);
}

google::protobuf::Timestamp ToProto(Time time) {
  google::protobuf::Timestamp timestamp;
  const std::int64_t millis = ToUnixMillis(time);
  timestamp.set_seconds(millis / 1000);
  timestamp.set_nanos(static_cast<int>(millis % 1000) * 1'000'000);
  return timestamp;
}

std::string_view StateName(v1::TrialState state) {
  switch (state) {
    case v1::TRIAL_STATE_BLOCKED:
      return "blocked";
    case v1::TRIAL_STATE_READY:
      return "ready";
    case v1::TRIAL_STATE_RUNNING:
      return "running";
    case v1::TRIAL_STATE_SUCCEEDED:
      return "succeeded";
    case v1::TRIAL_STATE_FAILED:
      return "failed";
    case v1::TRIAL_STATE_CANCELED:
      return "canceled";
    case v1::TRIAL_STATE_SKIPPED:
      return "skipped";
    default:
      return "unknown";
  }
}

std::string_view StateName(v1::SweepState state) {
  switch (state) {
    case v1::SWEEP_STATE_RUNNING:
      return "running";
    case v1::SWEEP_STATE_PAUSED:
      return "paused";
    case v1::SWEEP_STATE_FINISHED:
      return "finished";
    case v1::SWEEP_STATE_CANCELED:
      return "canceled";
    default:
      return "unknown";
  }
}

std::optional<v1::TrialState> TrialStateFromName(std::string_view name) {
  for (const v1::TrialState state : kTrialStates) {
    if (StateName(state) == name) return state;
  }
  return std::nullopt;
}

std::vector<std::string> TrialStateNames() {
  std::vector<std::string> names;
  for (const v1::TrialState state : kTrialStates) names.emplace_back(StateName(state));
  return names;
}

Style StyleOf(v1::TrialState state) {
  switch (state) {
    case v1::TRIAL_STATE_RUNNING:
      return Style::kActive;
    case v1::TRIAL_STATE_SUCCEEDED:
      return Style::kGood;
    case v1::TRIAL_STATE_FAILED:
      return Style::kBad;
    case v1::TRIAL_STATE_CANCELED:
    case v1::TRIAL_STATE_SKIPPED:
      return Style::kWarn;
    default:
      return Style::kFaint;
  }
}

Style StyleOf(v1::SweepState state) {
  switch (state) {
    case v1::SWEEP_STATE_RUNNING:
      return Style::kActive;
    case v1::SWEEP_STATE_FINISHED:
      return Style::kGood;
    case v1::SWEEP_STATE_PAUSED:
    case v1::SWEEP_STATE_CANCELED:
      return Style::kWarn;
    default:
      return Style::kPlain;
  }
}

bool IsOver(v1::SweepState state) {
  return state == v1::SWEEP_STATE_FINISHED || state == v1::SWEEP_STATE_CANCELED;
}

Json TimeJson(Time time) { return time == kNever ? Json() : Json(IsoTime(time)); }

Json SecondsJson(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

std::string TrialIdText(const v1::TrialRef& ref, const v1::Sweep& sweep) {
  const bool known = ref.stage() < static_cast<std::uint32_t>(sweep.stages_size());
  return std::to_string(ref.sweep()) + "." +
         (known ? sweep.stages(static_cast<int>(ref.stage())).name()
                : std::to_string(ref.stage())) +
         "." + std::to_string(ref.cell());
}

std::string ArtifactIdText(std::uint64_t id) { return "a" + std::to_string(id); }

double Counts::fraction() const {
  return total() == 0 ? 0 : static_cast<double>(done()) / static_cast<double>(total());
}

Counts CountsOf(const google::protobuf::RepeatedPtrField<v1::StateCount>& counts) {
  Counts sum;
  for (const v1::StateCount& count : counts) {
    switch (count.state()) {
      case v1::TRIAL_STATE_BLOCKED:
        sum.blocked += count.count();
        break;
      case v1::TRIAL_STATE_READY:
        sum.ready += count.count();
        break;
      case v1::TRIAL_STATE_RUNNING:
        sum.running += count.count();
        break;
      case v1::TRIAL_STATE_SUCCEEDED:
        sum.succeeded += count.count();
        break;
      case v1::TRIAL_STATE_FAILED:
        sum.failed += count.count();
        break;
      case v1::TRIAL_STATE_CANCELED:
        sum.canceled += count.count();
        break;
      case v1::TRIAL_STATE_SKIPPED:
        sum.skipped += count.count();
        break;
      default:
        break;
    }
  }
  return sum;
}

Json CountsJson(const Counts& counts) {
  Json json = Json::Object();
  json.Set("blocked", counts.blocked).Set("ready", counts.ready).Set("running", counts.running);
  json.Set("succeeded", counts.succeeded).Set("failed", counts.failed);
  json.Set("canceled", counts.canceled).Set("skipped", counts.skipped);
  return json;
}

std::string CountsText(const Counts& counts, const Look& look) {
  std::vector<std::string> parts;
  const auto part = [&](std::uint64_t count, std::string_view word, Style style) {
    if (count > 0) parts.push_back(look.Paint(CountText(count) + " " + std::string(word), style));
  };
  part(counts.succeeded, "succeeded", Style::kGood);
  part(counts.running, "running", Style::kActive);
  part(counts.waiting(), "waiting", Style::kPlain);
  part(counts.failed, "failed", Style::kBad);
  part(counts.skipped, "skipped", Style::kWarn);
  part(counts.canceled, "canceled", Style::kWarn);
  return parts.empty() ? "no trials" : Join(parts, ", ");
}

std::vector<std::string> TrialIds(const v1::ResultTable& table, const v1::ResultRow& row) {
  std::vector<std::string> ids;
  for (const v1::TrialRef& ref : row.trials()) {
    ids.push_back(std::to_string(ref.sweep()) + "." + table.stage() + "." +
                  std::to_string(ref.cell()));
  }
  return ids;
}

}  // namespace fusor::client
