#include "client/view/pace.h"

namespace fusor::client {

namespace {

constexpr Duration kApart{1'000};
constexpr Duration kWindow{180'000};
constexpr Duration kEnough{3'000};  // younger than this, an estimate would only jump about

}  // namespace

void Pace::Add(Time now, double work) {
  if (!samples_.empty() && now - samples_.back().time < kApart) return;
  samples_.push_back({now, work});
  while (samples_.size() > 2 && now - samples_.front().time > kWindow) samples_.pop_front();
}

std::optional<Duration> Pace::Left(double rest) const {
  if (samples_.size() < 2) return std::nullopt;
  const Duration time = samples_.back().time - samples_.front().time;
  const double work = samples_.back().work - samples_.front().work;
  if (time < kEnough || work <= 1e-6) return std::nullopt;
  return Duration(static_cast<std::int64_t>(rest * static_cast<double>(time.count()) / work));
}

}  // namespace fusor::client
