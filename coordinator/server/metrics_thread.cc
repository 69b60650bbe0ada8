#include "coordinator/server/metrics_thread.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <span>
#include <string>

namespace fusor {

namespace {

// The core facts of a committed batch, moved out of it.
StoredBatch ToStored(MetricsBatch& batch) {
  StoredBatch stored;
  stored.attempt = batch.facts.attempt;
  stored.rank = batch.facts.rank;
  stored.number = batch.facts.facts.back().number;
  for (Fact& fact : batch.facts.facts) {
    if (IsCoreFact(fact.body)) stored.core_facts.push_back(std::move(fact));
  }
  return stored;
}

std::uint64_t Points(const std::vector<FactsForMetrics>& all) {
  std::uint64_t points = 0;
  for (const FactsForMetrics& facts : all) {
    for (const Fact& fact : facts.facts) {
      const auto* columns = std::get_if<MetricsFact>(&fact.body);
      if (columns != nullptr) points += columns->names.size() * columns->steps.size();
    }
  }
  return points;
}

}  // namespace

MetricsThread::MetricsThread(Options options, MetricsStore& store, Stats& stats, Health& health,
                             Stored stored, Seen seen)
    : options_(options),
      store_(store),
      stats_(stats),
      health_(health),
      stored_(std::move(stored)),
      seen_(std::move(seen)) {}

MetricsThread::~MetricsThread() { Stop(); }

void MetricsThread::Start() {
  thread_ = std::thread([this] { Run(); });
}

bool MetricsThread::Push(MetricsBatch batch) {
  {
    const std::lock_guard lock(mu_);
    if (bytes_ + batch.bytes > 2 * options_.queue_bytes_max) return false;
    bytes_ += batch.bytes;
    stats_.metrics_queue_bytes.store(bytes_);
    queue_.push_back(std::move(batch));
  }
  changed_.notify_one();
  return true;
}

void MetricsThread::RemoveSweep(SweepId sweep) {
  {
    const std::lock_guard lock(mu_);
    removed_.push_back(sweep);
  }
  changed_.notify_one();
}

void MetricsThread::Stop() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MetricsThread::Run() {
  for (;;) {
    std::optional<std::vector<MetricsBatch>> taken = Take();
    if (!taken) return;
    std::size_t bytes = 0;
    for (const MetricsBatch& batch : *taken) bytes += batch.bytes;
    BatchesStored stored;
    std::vector<MetricsBatch> admitted = Admit(std::move(*taken), stored);
    if (!admitted.empty()) Commit(std::move(admitted), stored);
    Tell(std::move(stored), bytes);
    RemoveSlice();
  }
}

void MetricsThread::RemoveSlice() {
  SweepId sweep;
  {
    const std::lock_guard lock(mu_);
    if (removed_.empty() || stopping_) return;
    sweep = removed_.front();
  }
  bool more = false;
  const bool done = Insist([&] {
    const Result<bool> slice = store_.RemoveSlice(sweep);
    if (slice.ok()) more = *slice;
    return slice.status();
  });
  if (!done || more) return;
  const std::lock_guard lock(mu_);
  removed_.pop_front();
}

std::optional<std::vector<MetricsBatch>> MetricsThread::Take() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [&] { return stopping_ || !queue_.empty() || !removed_.empty(); });
  if (queue_.empty() && stopping_) return std::nullopt;
  std::vector<MetricsBatch> taken;
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < queue_.size() && bytes < options_.transaction_bytes_max) {
    bytes += queue_[count].bytes;
    ++count;
  }
  if (count == queue_.size()) {
    taken.swap(queue_);
  } else {
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    taken.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
  }
  return taken;
}

std::optional<std::string> MetricsThread::Refusal(const MetricsBatch& batch) {
  const std::pair key(batch.facts.attempt.value, batch.facts.rank);
  if (!batch.check_floor) {
    if (refused_.contains(key)) return "";
    return std::nullopt;
  }
  refused_.erase(key);
  std::uint64_t cursor = 0;
  const bool read = Insist([&] {
    Result<std::uint64_t> result = store_.Cursor(batch.facts.attempt, batch.facts.rank);
    if (result.ok()) cursor = *result;
    return result.status();
  });
  if (!read) return "the coordinator is stopping";
  if (batch.facts.facts.front().number <= std::max(cursor, batch.floor) + 1) return std::nullopt;
  refused_.insert(key);
  return "facts are missing before number " + std::to_string(batch.facts.facts.front().number);
}

std::vector<MetricsBatch> MetricsThread::Admit(std::vector<MetricsBatch> taken,
                                               BatchesStored& stored) {
  std::vector<MetricsBatch> admitted;
  admitted.reserve(taken.size());
  for (MetricsBatch& batch : taken) {
    if (batch.fence->fenced.load()) {
      stats_.facts_fenced += batch.facts.facts.size();
      refused_.erase({batch.facts.attempt.value, batch.facts.rank});
      continue;
    }
    if (std::optional<std::string> refusal = Refusal(batch)) {
      stored.batches.push_back({batch.facts.attempt, batch.facts.rank, 0, {}, std::move(*refusal)});
      continue;
    }
    // Behind the restart's first run the router lets no gap through.
    batch.facts.floor = batch.check_floor ? batch.floor : batch.facts.facts.front().number - 1;
    admitted.push_back(std::move(batch));
  }
  return admitted;
}

void MetricsThread::Commit(std::vector<MetricsBatch> batches, BatchesStored& stored) {
  // The store wants the facts side by side; they go back to their batches afterwards.
  std::vector<FactsForMetrics> facts;
  facts.reserve(batches.size());
  for (MetricsBatch& batch : batches) facts.push_back(std::move(batch.facts));
  const bool done = Insist([&] {
    const auto begin = std::chrono::steady_clock::now();
    Status status = store_.Commit(facts);
    stats_.metrics_commit.Add(std::chrono::steady_clock::now() - begin);
    return status;
  });
  if (!done) return;
  stats_.metric_points += Points(facts);
  stats_.metric_batches += facts.size();
  stats_.metrics_wal_bytes.store(store_.wal_bytes());
  for (std::size_t i = 0; i < facts.size(); ++i) batches[i].facts = std::move(facts[i]);
  seen_(batches);
  for (MetricsBatch& batch : batches) stored.batches.push_back(ToStored(batch));
}

bool MetricsThread::Insist(const std::function<Status()>& step) {
  std::chrono::milliseconds wait = options_.retry_first;
  bool failed = false;
  for (;;) {
    const Status status = step();
    if (status.ok()) {
      if (failed) {
        health_.Set(Health::Part::kMetrics, "");
        spdlog::info("event=metrics_recovered");
      }
      return true;
    }
    ++stats_.metrics_commit_failures;
    if (!failed) spdlog::error("event=metrics_not_committed error=\"{}\"", status.ToString());
    failed = true;
    health_.Set(Health::Part::kMetrics, "metrics.db: " + status.message());
    std::unique_lock lock(mu_);
    if (changed_.wait_for(lock, wait, [&] { return stopping_; })) return false;
    wait = std::min(wait * 2, options_.retry_max);
  }
}

void MetricsThread::Tell(BatchesStored stored, std::size_t bytes) {
  bool full = false;
  {
    const std::lock_guard lock(mu_);
    bytes_ -= bytes;
    stats_.metrics_queue_bytes.store(bytes_);
    full = bytes_ > options_.queue_bytes_max && !stopping_;
  }
  withheld_.batches.insert(withheld_.batches.end(), std::make_move_iterator(stored.batches.begin()),
                           std::make_move_iterator(stored.batches.end()));
  if (full || withheld_.batches.empty()) return;
  stored_(std::move(withheld_));
  withheld_ = {};
}

}  // namespace fusor
