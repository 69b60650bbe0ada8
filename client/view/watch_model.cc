#include "client/view/watch_model.h"

#include <algorithm>
#include <iterator>

#include "client/format/text.h"

namespace fusor::client {

namespace {

constexpr std::size_t kRecentKept = 32;
constexpr std::size_t kNamesKept = 20'000;

// The state after the arrow of "running -> failed"; the whole text if there is none.
std::string StateAfter(const std::string& detail) {
  const std::size_t arrow = detail.rfind("-> ");
  return arrow == std::string::npos ? detail : detail.substr(arrow + 3);
}

std::pair<std::uint32_t, std::uint64_t> KeyOf(const v1::TrialRef& ref) {
  return {ref.stage(), ref.cell()};
}

// An event of no trial in words: "sweep_moved", "paused -> running" is "sweep running".
std::string Words(const v1::Event& event) {
  if (event.kind() == "sweep_moved") return "sweep " + StateAfter(event.detail());
  if (event.kind() == "trials_skipped") return "skipped " + event.detail();
  std::string words = event.kind();
  std::replace(words.begin(), words.end(), '_', ' ');
  return event.detail().empty() ? words : words + " " + event.detail();
}

// What the trials' own lines say already.
bool IsRoutine(std::string_view kind) {
  return kind == "attempt_started" || kind == "dataset_pinned" || kind == "sweep_submitted" ||
         kind == "trials_ready";
}

}  // namespace

double Fraction(const v1::RunningTrial& trial) {
  if (trial.steps() <= 0) return 0;
  return std::clamp(static_cast<double>(trial.step()) / static_cast<double>(trial.steps()), 0.0,
                    1.0);
}

std::string WatchModel::NameOf(const v1::TrialRef& ref) const {
  const auto at = names_.find(KeyOf(ref));
  return at == names_.end() ? TrialIdText(ref, sweep_) : at->second;
}

std::optional<Happening> WatchModel::Told(const v1::Event& event) const {
  Happening happening;
  happening.time = FromProto(event.time());
  happening.why = event.reason();
  if (event.kind() == "trial_moved" && event.has_trial()) {
    const std::optional<v1::TrialState> state = TrialStateFromName(StateAfter(event.detail()));
    if (!state || *state == v1::TRIAL_STATE_BLOCKED) return std::nullopt;
    happening.who = NameOf(event.trial());
    happening.what = StateName(*state);
    happening.style = StyleOf(*state);
    const bool is_expected =
        *state == v1::TRIAL_STATE_RUNNING || *state == v1::TRIAL_STATE_SUCCEEDED;
    if (is_expected) happening.why.clear();
    if (*state == v1::TRIAL_STATE_READY) {
      // From running it has to go on later; from blocked its inputs have come.
      if (!event.detail().starts_with(StateName(v1::TRIAL_STATE_RUNNING))) return std::nullopt;
      happening.what = "waits again";
      happening.style = Style::kWarn;
    }
    return happening;
  }
  if (IsRoutine(event.kind())) return std::nullopt;
  if (event.has_trial()) happening.who = NameOf(event.trial());
  happening.what = Words(event);
  happening.style = Style::kFaint;
  return happening;
}

std::vector<Happening> WatchModel::Apply(const v1::WatchSweepResponse& message, Time now) {
  if (message.has_sweep()) sweep_ = message.sweep();
  // A message with the sweep carries what runs too, be it nothing.
  if (message.has_sweep() || message.running_size() > 0) {
    running_.assign(message.running().begin(), message.running().end());
    std::sort(running_.begin(), running_.end(),
              [](const auto& a, const auto& b) { return KeyOf(a.trial()) < KeyOf(b.trial()); });
    slots_.assign(message.slots().begin(), message.slots().end());
    std::sort(slots_.begin(), slots_.end(), [](const auto& a, const auto& b) {
      const int order = a.worker().compare(b.worker());
      return order != 0 ? order < 0 : a.slot() < b.slot();
    });
  }
  if (names_.size() > kNamesKept) names_.clear();
  for (const v1::RunningTrial& trial : running_) {
    names_[KeyOf(trial.trial())] = trial.name();
  }
  std::vector<Happening> told;
  for (const v1::Event& event : message.events()) {
    // A trial may have come and gone between two looks at what runs.
    if (!event.trial_name().empty()) names_[KeyOf(event.trial())] = event.trial_name();
    if (std::optional<Happening> happening = Told(event)) told.push_back(std::move(*happening));
  }
  // What runs is shown anyway.
  std::copy_if(told.begin(), told.end(), std::back_inserter(recent_), [](const Happening& each) {
    return each.what != StateName(v1::TRIAL_STATE_RUNNING);
  });
  while (recent_.size() > kRecentKept) recent_.pop_front();
  cursor_ = std::max(cursor_, message.cursor());
  if (!running_.empty()) waiting_note_.clear();
  pace_.Add(now, Work());
  return told;
}

double WatchModel::Work() const {
  double work = static_cast<double>(CountsOf(sweep_.counts()).done());
  for (const v1::RunningTrial& trial : running_) work += Fraction(trial);
  return work;
}

std::optional<Duration> WatchModel::Left() const {
  return pace_.Left(static_cast<double>(CountsOf(sweep_.counts()).total()) - Work());
}

std::string WatchModel::NameOfAttempt(std::uint64_t attempt) const {
  for (const v1::RunningTrial& trial : running_) {
    if (trial.attempt() == attempt) return trial.name();
  }
  return "";
}

}  // namespace fusor::client
