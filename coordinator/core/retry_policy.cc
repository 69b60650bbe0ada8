#include "coordinator/core/retry_policy.h"

#include <algorithm>

#include "common/base/limits.h"

namespace fusor::core {

namespace {

struct Allowance {
  std::uint32_t used = 0;
  std::uint32_t allowed = 0;
};

Allowance Count(const Retry& policy, Failure failure, PutTrial& row) {
  const auto limit = [](int number) { return static_cast<std::uint32_t>(std::max(number, 0)); };
  if (IsCrash(failure)) return {++row.crashes, limit(policy.crashes)};
  if (failure == Failure::kLost) return {++row.losses, limit(policy.lost_workers)};
  const auto also = policy.also.find(failure);
  return {++row.other_failures[failure], also == policy.also.end() ? 0 : limit(also->second)};
}

}  // namespace

Duration BackoffOf(std::uint32_t retry) {
  const std::uint32_t doublings = std::min(retry - std::min(retry, 1U), 10U);
  return std::min<Duration>(limits::kBackoffMin * (1 << doublings), limits::kBackoffMax);
}

std::string Describe(const Outcome& outcome) {
  std::string words = FailureWords(outcome.failure, outcome.code);
  // The agent's detail may say no more than the signal or the status.
  if (words.find(outcome.detail) != std::string::npos) return words;
  return words + ": " + outcome.detail;
}

RetryDecision DecideRetry(const Retry& policy, const Outcome& outcome, bool not_started,
                          PutTrial& row) {
  const Allowance allowance = Count(policy, outcome.failure, row);
  RetryDecision decision{.again = allowance.used <= allowance.allowed};
  decision.reason = Describe(outcome);
  if (!decision.again) {
    if (allowance.allowed > 0) {
      decision.reason += "; no retry left of " + std::to_string(allowance.allowed);
    }
    return decision;
  }
  decision.reason +=
      "; retry " + std::to_string(allowance.used) + " of " + std::to_string(allowance.allowed);
  // A worker that cannot start anything would else fail a whole sweep in a moment.
  if (!IsCrash(outcome.failure) && !not_started) return decision;
  decision.elsewhere = true;
  decision.wait = BackoffOf(allowance.used);
  decision.reason += " in " + std::to_string(decision.wait.count() / 1000) + " s";
  return decision;
}

}  // namespace fusor::core
