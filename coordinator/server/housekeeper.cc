#include "coordinator/server/housekeeper.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "common/base/limits.h"
#include "coordinator/store/wal_readers.h"

namespace fusor {

namespace {
constexpr Duration kLongRead{30'000};
}  // namespace

Housekeeper::~Housekeeper() { Stop(); }

void Housekeeper::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Housekeeper::Stop() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::CollectSoon() {
  {
    const std::lock_guard lock(mu_);
    collect_ = true;
  }
  changed_.notify_one();
}

void Housekeeper::LookAtHealth() {
  {
    const std::lock_guard lock(mu_);
    health_ = true;
  }
  changed_.notify_one();
}

void Housekeeper::Run() {
  using Clock = std::chrono::steady_clock;
  Clock::time_point collected;  // long ago: once at the start
  Clock::time_point swept;
  for (;;) {
    bool collect = false;
    {
      std::unique_lock lock(mu_);
      changed_.wait_for(lock, options_.tick, [&] { return stopping_ || collect_ || health_; });
      if (stopping_) return;
      collect = std::exchange(collect_, false);
      health_ = false;
    }
    parts_.health_changed();
    const auto now = Clock::now();
    if (collect || now - collected >= options_.collect_every) {
      collected = now;
      Collect();
    }
    if (now - swept >= options_.orphans_every) {
      swept = now;
      RemoveOrphans();
    }
    WatchWal();
  }
}

void Housekeeper::Collect() {
  Result<std::vector<std::string>> gone = parts_.artifacts->Collect(*parts_.readers->state);
  if (!gone.ok()) {
    spdlog::warn("event=artifacts_not_collected error=\"{}\"", gone.status().ToString());
    return;
  }
  if (gone->empty()) return;
  spdlog::info("event=artifacts_collected files={}", gone->size());
  parts_.forget(std::move(*gone));
  // They go some at a time: there may be more.
  CollectSoon();
}

void Housekeeper::RemoveOrphans() {
  const Result<std::uint64_t> removed = parts_.artifacts->RemoveOrphans(*parts_.readers->state);
  if (!removed.ok()) {
    spdlog::warn("event=orphans_not_removed error=\"{}\"", removed.status().ToString());
  } else if (*removed > 0) {
    spdlog::info("event=orphans_removed files={}", *removed);
  }
}

void Housekeeper::WatchWal() {
  const std::uint64_t bytes =
      std::max(parts_.stats->state_wal_bytes.load(), parts_.stats->metrics_wal_bytes.load());
  const bool alarm = bytes > limits::kWalBytesAlarm;
  if (alarm == std::exchange(alarmed_, alarm) || !alarm) return;
  std::string readers;
  const auto add = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) readers += (readers.empty() ? "" : "; ") + name;
  };
  add(parts_.readers->state->LongReads(kLongRead));
  add(parts_.readers->metrics->LongReads(kLongRead));
  for (const char* name : {"state.db", "metrics.db"}) add(ForeignReaders(parts_.data / name));
  spdlog::warn("event=wal_large bytes={} readers=\"{}\"", bytes, readers);
}

}  // namespace fusor
