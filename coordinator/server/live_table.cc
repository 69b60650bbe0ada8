#include "coordinator/server/live_table.h"

#include <string_view>

namespace fusor {

namespace {
constexpr std::string_view kSystem = "system/";
// How much of the newest interval goes into the rate: about the last five reports count.
constexpr double kRateShare = 0.35;
}  // namespace

void LiveTable::Add(const std::vector<MetricsBatch>& batches, Time now) {
  const std::lock_guard lock(mu_);
  for (const MetricsBatch& batch : batches) {
    if (batch.fence->fenced.load()) continue;
    LiveAttempt& live = attempts_[batch.facts.attempt.value];
    live.trial = batch.facts.trial;
    for (const Fact& fact : batch.facts.facts) {
      if (const auto* progress = std::get_if<ProgressFact>(&fact.body)) {
        Take(*progress, now, live);
      } else if (const auto* metrics = std::get_if<MetricsFact>(&fact.body)) {
        Take(*metrics, live);
      }
    }
  }
}

void LiveTable::Take(const ProgressFact& progress, Time now, LiveAttempt& live) {
  const double seconds = std::chrono::duration<double>(now - live.seen).count();
  const bool first = live.seen == Time{};
  // Reports of one instant come from a spool, not from the present.
  if (!first && seconds > 0.01 && progress.step > live.progress.step) {
    const double rate = static_cast<double>(progress.step - live.progress.step) / seconds;
    live.steps_per_second =
        live.steps_per_second == 0
            ? rate
            : live.steps_per_second + kRateShare * (rate - live.steps_per_second);
  }
  if (first || seconds > 0.01 || progress.step < live.progress.step) live.seen = now;
  live.progress = progress;
}

void LiveTable::Take(const MetricsFact& metrics, LiveAttempt& live) {
  for (std::size_t i = 0; i < metrics.names.size() && i < metrics.values.size(); ++i) {
    const std::string_view name = metrics.names[i];
    if (!name.starts_with(kSystem) || metrics.values[i].empty()) continue;
    live.system[std::string(name.substr(kSystem.size()))] = metrics.values[i].back();
  }
}

void LiveTable::Remove(std::span<const AttemptId> attempts) {
  const std::lock_guard lock(mu_);
  if (attempts_.empty()) return;
  for (const AttemptId attempt : attempts) attempts_.erase(attempt.value);
}

std::optional<LiveAttempt> LiveTable::Find(AttemptId attempt) const {
  const std::lock_guard lock(mu_);
  const auto found = attempts_.find(attempt.value);
  if (found == attempts_.end()) return {};
  return found->second;
}

}  // namespace fusor
