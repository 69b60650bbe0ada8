#include "coordinator/server/fact_router.h"

#include <algorithm>
#include <utility>

namespace fusor {

namespace {

std::size_t TextBytes(const Labels& labels) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : labels) bytes += key.size() + value.size() + 64;
  return bytes;
}

struct Bytes {
  std::size_t operator()(const ProgressFact& fact) const { return fact.phase.size(); }
  std::size_t operator()(const StartedFact& fact) const { return TextBytes(fact.info); }
  std::size_t operator()(const MetricsFact& fact) const {
    std::size_t bytes = fact.steps.size() * sizeof(std::int64_t);
    for (const std::string& name : fact.names) bytes += name.size() + sizeof(std::string);
    for (const auto& column : fact.values)
      bytes += column.size() * sizeof(double) + sizeof(std::vector<double>);
    return bytes;
  }
  std::size_t operator()(const LogFact& fact) const { return fact.text.size(); }
  std::size_t operator()(const EvaluationFact& fact) const { return fact.values.size() * 96; }
  std::size_t operator()(const CheckpointFact& fact) const { return fact.files.size() * 256; }
  std::size_t operator()(const ArtifactFact&) const { return 256; }
  std::size_t operator()(const FinalFact& fact) const {
    std::size_t bytes = fact.outcome.detail.size();
    for (const std::string& line : fact.log_tail) bytes += line.size() + sizeof(std::string);
    return bytes;
  }
};

// A consecutive run, beginning at 1 or later; FromWire numbers facts so, a test may not.
bool IsRun(const std::vector<Fact>& facts) {
  if (facts.empty() || facts.front().number == 0) return false;
  for (std::size_t i = 1; i < facts.size(); ++i) {
    if (facts[i].number != facts[0].number + i) return false;
  }
  return true;
}

}  // namespace

bool AnyConcernsMetrics(const std::vector<Fact>& facts, std::uint32_t attempt_number) {
  const bool whole = !facts.empty() && facts.front().number == 1 &&
                     std::holds_alternative<FinalFact>(facts.back().body);
  return std::any_of(facts.begin(), facts.end(), [&](const Fact& fact) {
    if (std::holds_alternative<EvaluationFact>(fact.body)) return !whole;
    if (!IsCoreFact(fact.body)) return true;
    // An attempt that takes over from another one says so to metrics.db: later points are
    // superseded.
    return attempt_number > 1 && std::holds_alternative<StartedFact>(fact.body);
  });
}

std::size_t FactBytes(const FactBody& body) { return sizeof(Fact) + std::visit(Bytes{}, body); }

void FactRouter::Restore(const Snapshot& snapshot) {
  for (const PutWorker& worker : snapshot.workers) OnWrite(worker);
  for (const PutAttempt& attempt : snapshot.live_attempts) {
    OnWrite(attempt);
    for (Rank& rank : attempts_[attempt.id.value].ranks) rank.known = false;
  }
  for (const PutCursor& cursor : snapshot.cursors) {
    const auto found = attempts_.find(cursor.attempt.value);
    if (found == attempts_.end() || cursor.rank >= found->second.ranks.size()) continue;
    found->second.ranks[cursor.rank].floor = cursor.number;
  }
}

FactRouter::Attempt* FactRouter::Current(SessionId session, const FactsMessage& facts) {
  const auto from = sessions_.find(session.value);
  if (from == sessions_.end() || !from->second.welcome) return nullptr;
  const auto found = attempts_.find(facts.attempt.value);
  if (found == attempts_.end() || facts.rank >= found->second.ranks.size()) return nullptr;
  const auto worker = workers_.find(from->second.uid);
  if (worker == workers_.end()) return nullptr;
  const std::vector<WorkerId>& holders = found->second.holders;
  if (std::find(holders.begin(), holders.end(), worker->second) == holders.end()) return nullptr;
  return &found->second;
}

FactRouter::Verdict FactRouter::OnFacts(SessionId session, FactsMessage facts) {
  if (!IsRun(facts.facts)) return {{}, CloseStream{session, "facts are not numbered 1, 2, 3, ..."}};
  Attempt* attempt = Current(session, facts);
  if (attempt == nullptr) {
    // The core answers what has no standing: "register again" or "drop it".
    stats_.facts_fenced += facts.facts.size();
    return {FactsStored{session, facts.attempt, facts.rank, 0, {}}, {}};
  }
  Rank& rank = attempt->ranks[facts.rank];
  rank.session = session;
  const std::uint64_t first = facts.facts.front().number;
  if (!rank.known) rank.received = first - 1;  // the metrics thread checks it against the cursors
  if (first > rank.received + 1) {
    return {{}, CloseStream{session, "facts are missing before number " + std::to_string(first)}};
  }
  const std::uint64_t repeated =
      std::min<std::uint64_t>(rank.received + 1 - first, facts.facts.size());
  facts.facts.erase(facts.facts.begin(),
                    facts.facts.begin() + static_cast<std::ptrdiff_t>(repeated));
  if (facts.facts.empty()) {
    // A repeat, of what is on its way or of what is stored: then it is answered again.
    return rank.pending > 0 ? Verdict{} : Straight(session, rank, std::move(facts));
  }
  const bool straight =
      rank.known && !rank.in_metrics && !AnyConcernsMetrics(facts.facts, attempt->number);
  if (straight) return Straight(session, rank, std::move(facts));
  return ByMetrics(session, *attempt, rank, std::move(facts));
}

FactRouter::Verdict FactRouter::Straight(SessionId session, Rank& rank, FactsMessage facts) {
  rank.received += facts.facts.size();
  return {FactsStored{session, facts.attempt, facts.rank, rank.received, std::move(facts.facts)},
          {}};
}

FactRouter::Verdict FactRouter::ByMetrics(SessionId session, Attempt& attempt, Rank& rank,
                                          FactsMessage facts) {
  MetricsBatch batch;
  for (const Fact& fact : facts.facts) batch.bytes += FactBytes(fact.body);
  const std::uint64_t last = facts.facts.back().number;
  if (!attempt.fence) attempt.fence = std::make_shared<AttemptFence>();
  batch.facts = {facts.attempt, attempt.trial, facts.rank, std::move(facts.facts), 0};
  batch.fence = attempt.fence;
  batch.check_floor = !rank.known;
  batch.floor = rank.floor;
  if (!queue_.Push(std::move(batch))) {
    return {{}, CloseStream{session, "too many facts wait for metrics.db"}};
  }
  rank.received = last;
  rank.known = true;
  rank.in_metrics = true;
  rank.pending += 1;
  return {};
}

FactRouter::Verdict FactRouter::OnStored(StoredBatch batch) {
  const auto found = attempts_.find(batch.attempt.value);
  if (found == attempts_.end() || batch.rank >= found->second.ranks.size()) return {};
  Rank& rank = found->second.ranks[batch.rank];
  rank.pending -= 1;
  if (batch.refused) {
    // Whatever is behind it in the queue is refused too: begin again as after a restart.
    rank.known = false;
    if (batch.refused->empty()) return {};
    return {{}, CloseStream{rank.session, std::move(*batch.refused)}};
  }
  return {FactsStored{rank.session, batch.attempt, batch.rank, batch.number,
                      std::move(batch.core_facts)},
          {}};
}

void FactRouter::OnHello(SessionId session, const std::string& uid) {
  sessions_[session.value] = {uid, false};
}

void FactRouter::OnClosed(SessionId session) { sessions_.erase(session.value); }

void FactRouter::OnWrite(const Write& write) {
  if (const auto* worker = std::get_if<PutWorker>(&write)) {
    workers_[worker->info.uid] = worker->id;
    return;
  }
  const auto* row = std::get_if<PutAttempt>(&write);
  if (row == nullptr) return;
  const auto found = attempts_.find(row->id.value);
  if (row->state == AttemptState::kEnded || row->state == AttemptState::kLost) {
    if (found == attempts_.end()) return;
    if (found->second.fence) found->second.fence->fenced.store(true);
    attempts_.erase(found);
    return;
  }
  if (found != attempts_.end()) return;
  Attempt& attempt = attempts_[row->id.value];
  attempt.trial = row->trial;
  attempt.number = row->number;
  for (const auto& [worker, slot] : row->slots) attempt.holders.push_back(worker);
  attempt.ranks.resize(row->slots.size());
}

void FactRouter::OnSend(const Send& send) {
  if (const auto* close = std::get_if<CloseStream>(&send)) {
    OnClosed(close->session);
    return;
  }
  const auto* to_worker = std::get_if<SendToWorker>(&send);
  if (to_worker == nullptr) return;
  if (std::holds_alternative<WelcomeMessage>(to_worker->message)) {
    const auto found = sessions_.find(to_worker->session.value);
    if (found != sessions_.end()) found->second.welcome = true;
  }
}

}  // namespace fusor
