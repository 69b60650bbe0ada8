#include "coordinator/core/facts.h"

#include <algorithm>
#include <charconv>

#include "common/base/limits.h"
#include "coordinator/core/attempts.h"
#include "coordinator/core/checkpoints.h"
#include "coordinator/core/outcomes.h"
#include "coordinator/core/timers.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/workers.h"

namespace fusor::core {

namespace {

// An attempt while a batch of its facts is applied. Rows are written once, after the last fact.
struct Receiver {
  Turn& turn;
  Worker& worker;
  Attempt* attempt;  // null when a fact has ended it
  std::uint32_t rank;
  bool started = false;
  bool trial_changed = false;
};

std::string JsonOf(const Labels& info) {
  std::string json = "{";
  for (const auto& [name, value] : info) {
    if (json.size() > 1) json += ',';
    json += JsonQuote(name) + ":" + JsonQuote(value);
  }
  return json + "}";
}

int ThreadsOf(const Labels& info) {
  const auto found = info.find("threads");
  int threads = 0;
  if (found != info.end()) {
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), threads);
  }
  return std::max(threads, 0);
}

std::string LastLines(const std::vector<std::string>& lines) {
  std::string text;
  const std::size_t kept = std::min(lines.size(), limits::kLogTailLines);
  for (std::size_t i = lines.size() - kept; i < lines.size(); ++i) {
    text += lines[i].substr(0, limits::kLogLineBytesMax) + "\n";
  }
  return text;
}

void Apply(Receiver& to, const StartedFact& fact) {
  Attempt& attempt = *to.attempt;
  Trial& trial = *attempt.trial;
  if (attempt.row.state == AttemptState::kGranted) {
    attempt.row.state = AttemptState::kRunning;
    attempt.row.started = to.turn.now;
    RewindObjective(trial, fact.resumed_from_step);
    to.trial_changed = true;
    const Duration left = TimeLeft(trial);
    if (left > Duration::zero()) {
      attempt.limit_at = to.turn.now + left + limits::kTimeLimitGrace;
      ArmWorker(to.turn.world, to.worker, attempt.limit_at);
    }
  }
  to.started = true;
  // Every rank goes on from the same checkpoint; the first one may never come to say so.
  attempt.row.resumed_from_step = fact.resumed_from_step;
  if (to.rank != 0) return;
  attempt.row.bit_exact = fact.bit_exact;
  attempt.row.info = JsonOf(fact.info);
  if (!fact.precision_used.empty()) attempt.row.precision_used = fact.precision_used;
  if (trial.row.threads == 0) trial.row.threads = ThreadsOf(fact.info);
  if (!attempt.fallback && fact.resumed_from_step < 0) trial.row.precision_used.clear();
  to.trial_changed = true;
}

void Apply(Receiver& to, const EvaluationFact& fact) {
  Trial& trial = *to.attempt->trial;
  const Objective& objective = trial.stage->sweep->spec->objective;
  // Of the best model, say, which an earlier attempt evaluated before it was lost.
  const bool again = fact.step <= to.attempt->row.resumed_from_step;
  for (const auto& [name, value] : fact.values) {
    to.turn.Write(PutEvaluation{.attempt = to.attempt->row.id,
                                .trial = trial.row.key,
                                .step = fact.step,
                                .epoch = fact.epoch,
                                .name = name,
                                .value = value,
                                .time = FromUnixMillis(fact.time_ms),
                                .again = again});
    if (name == objective.metric) NoteObjective(trial, fact.step, value);
  }
  trial.row.step = std::max(trial.row.step, fact.step);
  to.trial_changed = true;
}

void Apply(Receiver& to, const CheckpointFact& fact) {
  if (fact.step < 0 || fact.files.empty()) return;
  Trial& trial = *to.attempt->trial;
  CommitCheckpoint(to.turn, trial, to.attempt->row.id, fact);
  trial.row.step = std::max(trial.row.step, fact.step);
  to.trial_changed = true;
}

void Apply(Receiver& to, const ArtifactFact& fact) {
  Trial& trial = *to.attempt->trial;
  to.turn.Write(PutArtifact{.id = ArtifactId{++to.turn.world.last_artifact.value},
                            .attempt = to.attempt->row.id,
                            .trial = trial.row.key,
                            .kind = fact.kind,
                            .step = fact.step,
                            .file = fact.file,
                            .time = to.turn.now});
  NoteModel(trial, fact.kind, fact.file);
}

void Apply(Receiver& to, const FinalFact& fact) {
  Attempt& attempt = *to.attempt;
  attempt.ranks[to.rank].ended = true;
  const bool failed = fact.outcome.kind == OutcomeKind::kFailed;
  // The attempt is what its first rank says; any other rank can only spoil it.
  if (!failed && to.rank != 0) return;
  // No clock of a worker makes an attempt longer than it can have been.
  const Duration longest = to.turn.now - attempt.row.granted;
  const Duration running = std::clamp(Duration(fact.running_ms), Duration(0), longest);
  const bool not_started =
      fact.outcome.failure == Failure::kLost && attempt.row.state == AttemptState::kGranted;
  to.attempt = nullptr;
  EndAttempt(to.turn, attempt,
             {.outcome = fact.outcome,
              .rank = to.rank,
              .step = fact.step,
              .running = running,
              .log_tail = failed ? LastLines(fact.log_tail) : "",
              .worker = to.worker.id,
              .not_started = not_started});
}

void Apply(Receiver&, const ProgressFact&) {}
void Apply(Receiver&, const MetricsFact&) {}
void Apply(Receiver&, const LogFact&) {}

void WriteRows(Receiver& to) {
  if (to.attempt == nullptr) return;
  Attempt& attempt = *to.attempt;
  if (to.started) {
    to.turn.Write(attempt.row);
    to.turn.Happened({.kind = "attempt_started",
                      .sweep = attempt.row.trial.sweep,
                      .trial = attempt.row.trial,
                      .has_trial = true,
                      .attempt = attempt.row.id,
                      .worker = to.worker.id,
                      .detail = "attempt " + std::to_string(attempt.row.number) + ", rank " +
                                std::to_string(to.rank),
                      .reason = "its process has reported"});
  }
  if (to.trial_changed) to.turn.Write(attempt.trial->row);
}

// The live attempt that the facts are of, if the sender may speak for the rank.
Attempt* Sender(World& world, const Worker& worker, const FactBatch& batch) {
  Attempt* attempt = FindAttempt(world, batch.attempt);
  if (attempt == nullptr || batch.rank >= attempt->ranks.size()) return nullptr;
  const Part* part = attempt->PartOn(worker.id);
  if (part == nullptr || batch.rank < part->first_rank ||
      batch.rank >= part->first_rank + part->slots.size()) {
    return nullptr;
  }
  return attempt;
}

// The facts were admitted when they came, and metrics.db holds them: that their stream has ended
// since must not lose them, for nobody will send them again.
Worker* HolderOf(World& world, const FactBatch& batch) {
  Attempt* attempt = FindAttempt(world, batch.attempt);
  if (attempt == nullptr) return nullptr;
  for (const Part& part : attempt->parts) {
    if (batch.rank < part.first_rank || batch.rank >= part.first_rank + part.slots.size()) continue;
    return world.fleet.Find(part.worker);
  }
  return nullptr;
}

void ApplyFrom(Turn& turn, Worker& worker, Attempt& attempt, const FactBatch& batch) {
  attempt.heard = turn.now;
  attempt.PartOn(worker.id)->held = true;
  const std::uint64_t before = attempt.ranks[batch.rank].cursor;
  const std::uint64_t cursor = std::max(before, batch.number);
  attempt.ranks[batch.rank].cursor = cursor;
  Receiver receiver{turn, worker, &attempt, batch.rank};
  for (const Fact& fact : batch.facts) {
    if (receiver.attempt == nullptr) break;
    if (fact.number <= before || fact.number > cursor) continue;
    std::visit([&](const auto& body) { Apply(receiver, body); }, fact.body);
  }
  WriteRows(receiver);
  if (cursor > before) turn.Write(PutCursor{batch.attempt, batch.rank, cursor});
  turn.SendTo(worker, AckMessage{batch.attempt, batch.rank, cursor});
}

}  // namespace

void ApplyFacts(Turn& turn, const FactBatch& batch) {
  Worker* worker = WorkerOf(turn.world, batch.session);
  if (worker == nullptr) {
    if (turn.world.sessions.contains(batch.session)) {
      turn.Send(batch.session, RegisterAgainMessage{});
    }
    return;
  }
  Attempt* attempt = Sender(turn.world, *worker, batch);
  if (attempt == nullptr) {
    turn.SendTo(*worker, StopMessage{batch.attempt, StopMode::kDrop,
                                     "the attempt is over, or another one took its place"});
    return;
  }
  ApplyFrom(turn, *worker, *attempt, batch);
}

void ApplyStored(Turn& turn, const FactBatch& batch) {
  // Number 0: nothing was stored, for the sender has no standing.
  if (WorkerOf(turn.world, batch.session) != nullptr || batch.number == 0) {
    ApplyFacts(turn, batch);
    return;
  }
  Worker* holder = HolderOf(turn.world, batch);
  if (holder != nullptr) ApplyFrom(turn, *holder, *FindAttempt(turn.world, batch.attempt), batch);
}

void OnFacts(Turn& turn, SessionId session, const FactsMessage& message) {
  if (message.facts.empty()) {
    // Facts of what has no standing come without their content: the sender is told where it stands.
    ApplyFacts(turn, {session, message.attempt, message.rank, 0, message.facts});
    return;
  }
  const Attempt* attempt = FindAttempt(turn.world, message.attempt);
  if (attempt != nullptr && message.rank < attempt->ranks.size() &&
      message.facts.front().number > attempt->ranks[message.rank].cursor + 1) {
    turn.effects.sends.emplace_back(
        CloseStream{session, "facts are missing: expected number " +
                                 std::to_string(attempt->ranks[message.rank].cursor + 1) +
                                 ", got " + std::to_string(message.facts.front().number)});
    return;
  }
  ApplyFacts(turn,
             {session, message.attempt, message.rank, message.facts.back().number, message.facts});
}

}  // namespace fusor::core
