#include "worker/core/fact_queue.h"

#include <string>

#include "common/base/limits.h"

namespace fusor::agent {

namespace {

std::uint64_t BytesOf(const StoredFile& file) { return 16 + file.name.size() + file.sha256.size(); }

std::uint64_t BytesOf(const std::vector<std::string>& texts) {
  std::uint64_t bytes = 0;
  for (const std::string& text : texts) bytes += 3 + text.size();
  return bytes;
}

struct ByteCounter {
  std::uint64_t operator()(const ProgressFact& fact) const { return 24 + fact.phase.size(); }
  std::uint64_t operator()(const StartedFact& fact) const {
    std::uint64_t bytes = 24 + fact.precision_used.size();
    for (const auto& [key, value] : fact.info) bytes += 6 + key.size() + value.size();
    return bytes;
  }
  std::uint64_t operator()(const MetricsFact& fact) const {
    return 16 + BytesOf(fact.names) + fact.steps.size() * (4 + 8 * fact.names.size());
  }
  std::uint64_t operator()(const LogFact& fact) const { return 16 + fact.text.size(); }
  std::uint64_t operator()(const EvaluationFact& fact) const {
    std::uint64_t bytes = 24;
    for (const auto& [name, value] : fact.values) bytes += 14 + name.size();
    return bytes;
  }
  std::uint64_t operator()(const CheckpointFact& fact) const {
    std::uint64_t bytes = 12;
    for (const StoredFile& file : fact.files) bytes += BytesOf(file);
    return bytes;
  }
  std::uint64_t operator()(const ArtifactFact& fact) const {
    return 16 + fact.kind.size() + BytesOf(fact.file);
  }
  std::uint64_t operator()(const FinalFact& fact) const {
    return 48 + fact.outcome.detail.size() + BytesOf(fact.log_tail);
  }
};

}  // namespace

std::uint64_t ApproximateBytes(const FactBody& body) { return std::visit(ByteCounter{}, body); }

bool WaitsForSync(const FactBody& body) { return std::holds_alternative<CheckpointFact>(body); }

Fact FactQueue::Append(FactBody body, bool connected) {
  Fact fact{.number = ++last_, .body = std::move(body)};
  const bool in_line = loaded_ + 1 == last_ && !loading_;
  if (connected && in_line && unsent_bytes_ < kLoadedBytesMax) {
    unsent_bytes_ += ApproximateBytes(fact.body);
    unsent_.push_back(fact);
    loaded_ = last_;
  }
  return fact;
}

bool FactQueue::Ready() const {
  if (unsent_.empty()) return false;
  return unsent_.front().number <= synced_ || !WaitsForSync(unsent_.front().body);
}

Fact FactQueue::TakeFront() {
  Fact fact = std::move(unsent_.front());
  unsent_.pop_front();
  const std::uint64_t bytes = ApproximateBytes(fact.body);
  unsent_bytes_ -= bytes;
  bytes_in_flight_ += bytes;
  sent_ = fact.number;
  in_flight_.emplace_back(fact.number, bytes);
  return fact;
}

std::vector<Fact> FactQueue::Take(std::uint64_t bytes_max) {
  std::vector<Fact> facts;
  std::uint64_t left = bytes_max;
  while (Ready() && facts.size() < limits::kFactsPerBatchMax) {
    const std::uint64_t bytes = ApproximateBytes(unsent_.front().body);
    if (bytes > left) break;
    left -= bytes;
    facts.push_back(TakeFront());
  }
  return facts;
}

std::vector<Fact> FactQueue::TakeOne() {
  std::vector<Fact> facts;
  if (Ready()) facts.push_back(TakeFront());
  return facts;
}

bool FactQueue::Acknowledge(std::uint64_t number) {
  if (number > last_) return false;
  acknowledged_ = std::max(acknowledged_, number);
  while (!in_flight_.empty() && in_flight_.front().first <= number) {
    bytes_in_flight_ -= in_flight_.front().second;
    in_flight_.pop_front();
  }
  // What an earlier stream delivered is acknowledged before it is sent again.
  while (!unsent_.empty() && unsent_.front().number <= number) {
    unsent_bytes_ -= ApproximateBytes(unsent_.front().body);
    unsent_.pop_front();
  }
  sent_ = std::max(sent_, number);
  loaded_ = std::max(loaded_, number);
  return true;
}

void FactQueue::Rewind() {
  unsent_.clear();
  unsent_bytes_ = 0;
  in_flight_.clear();
  bytes_in_flight_ = 0;
  sent_ = acknowledged_;
  loaded_ = acknowledged_;
}

void FactQueue::Loaded(std::vector<Fact> facts) {
  loading_ = false;
  // An answer to a question from before a rewind or an acknowledgement may begin too late or too
  // early.
  if (facts.empty() || facts.front().number > loaded_ + 1) return;
  for (Fact& fact : facts) {
    if (fact.number != loaded_ + 1) continue;
    loaded_ = fact.number;
    unsent_bytes_ += ApproximateBytes(fact.body);
    unsent_.push_back(std::move(fact));
  }
}

}  // namespace fusor::agent
