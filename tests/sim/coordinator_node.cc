#include "tests/sim/coordinator_node.h"

#include <algorithm>

#include "common/base/limits.h"
#include "proto/session_convert.h"
#include "tests/sim/agent_node.h"

namespace fusor::sim {

CoordinatorNode::CoordinatorNode(World& world) : world_(world) {}

void CoordinatorNode::Start() {
  ++life_;
  const CoreOptions options{.cluster_id = "sim",
                            .generation = 1,
                            .lease_length = limits::kLeaseLength,
                            .heartbeat_every = limits::kHeartbeatEvery,
                            .start_deadline = limits::kStartDeadline};
  const Snapshot snapshot = world_.state().Load(world_.specs());
  auto core = std::make_unique<Core>(options, snapshot, Now());
  core_ = core.get();
  stats_ = std::make_unique<Stats>();
  engine_ = std::make_unique<Engine>(
      std::move(core), snapshot,
      Engine::Parts{.store = this, .metrics = this, .outbox = this, .stats = stats_.get()});
  AskTurn(Duration(0));
}

void CoordinatorNode::Die() {
  if (!engine_) return;
  world_.Say("the coordinator dies");
  ++life_;
  core_ = nullptr;
  engine_.reset();
  stats_.reset();
  inbox_.clear();
  turn_asked_ = false;
  doomed_ = false;
  stood_still_ = Duration(0);
  wake_at_ = kNever;
  streams_.clear();
  to_metrics_.clear();
  metrics_asked_ = false;
  refused_.clear();
  calls_.clear();
  world_.BreakAll();
  const Duration away(100 + static_cast<std::int64_t>(world_.random().Below(20'000)));
  world_.clock().After(away, [this] { Start(); });
}

void CoordinatorNode::After(Duration delay, std::function<void()> action) {
  world_.clock().After(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_) action();
  });
}

void CoordinatorNode::OnOpened(const std::shared_ptr<Stream>& stream) {
  if (!engine_) return;
  streams_[stream->id] = stream;
  Post(Event(StreamOpened{stream->id}));
}

void CoordinatorNode::OnClosed(const std::shared_ptr<Stream>& stream) {
  if (!engine_ || streams_.erase(stream->id) == 0) return;
  Post(Event(StreamClosed{stream->id}));
}

void CoordinatorNode::OnBytes(const std::shared_ptr<Stream>& stream, const std::string& bytes) {
  if (!engine_) return;
  v1::SessionRequest wire;
  const bool parsed = wire.ParseFromString(bytes);
  Result<std::vector<WorkerMessage>> messages = FromWire(wire);
  if (!parsed || !messages.ok()) {
    world_.oracle().Fail("messages-make-sense", messages.status().message());
    return;
  }
  Post(WorkerMessages{.session = stream->id, .messages = std::move(messages).value()});
}

void CoordinatorNode::Call(Event event, CallId call, Answered answered) {
  if (!engine_) return;
  calls_[call] = std::move(answered);
  Post(std::move(event));
}

std::vector<std::string> CoordinatorNode::Explain(const TrialKey& trial) const {
  if (core_ == nullptr) return {"the coordinator is down"};
  return core_->Explain(trial, Now()).reasons;
}

// --- Turns
// ----------------------------------------------------------------------------------------

void CoordinatorNode::Post(Input input) {
  inbox_.push_back(std::move(input));
  AskTurn(Duration(static_cast<std::int64_t>(world_.random().Below(4))));
}

void CoordinatorNode::AskTurn(Duration delay) {
  if (turn_asked_ || engine_->frozen()) return;
  turn_asked_ = true;
  After(delay, [this] { Turn(); });
}

void CoordinatorNode::Turn() {
  turn_asked_ = false;
  std::vector<Input> inputs = std::move(inbox_);
  inbox_.clear();
  world_.Trace(inputs.size());
  AfterTurn(engine_->Turn(inputs, Now()));
}

void CoordinatorNode::AfterTurn(const Status& status) {
  if (doomed_) {
    Die();
    return;
  }
  if (!status.ok()) {
    const Duration wait(100 + static_cast<std::int64_t>(world_.random().Below(20'000)));
    After(wait, [this, wait] {
      stood_still_ += wait;
      AfterTurn(engine_->Retry(Now()));
    });
    return;
  }
  if (!inbox_.empty()) AskTurn(Duration(1));
  const Time next = engine_->NextDeadline();
  if (next == kNever) return;
  const Time now = world_.clock().now();
  const Time at = std::max(next + stood_still_, now + Duration(1));
  if (wake_at_ > now && wake_at_ <= at) return;
  wake_at_ = at;
  After(at - now, [this] { AskTurn(Duration(0)); });
}

Status CoordinatorNode::Commit(std::span<const Write> writes) {
  Random& random = world_.random();
  if (random.Chance(world_.faults().commit_fails)) return Unavailable("database is locked");
  // Dies between deciding and storing: nothing of the turn has happened.
  if (random.Chance(world_.faults().coordinator_dies / 2)) {
    doomed_ = true;
    return Unavailable("dying");
  }
  for (const Write& write : writes) {
    if (const auto* event = std::get_if<PutEvent>(&write)) {
      world_.Say(event->kind + (event->has_trial ? " " + ToText(event->trial) : "") + " attempt " +
                 std::to_string(event->attempt.value) + " worker " +
                 std::to_string(event->worker.value) + ": " + event->detail + " (" + event->reason +
                 ")");
    }
    if (const auto* artifact = std::get_if<PutArtifact>(&write)) {
      world_.Say("artifact " + artifact->file.name + " of " + ToText(artifact->trial) +
                 " attempt " + std::to_string(artifact->attempt.value));
    }
    if (const auto* row = std::get_if<PutSweep>(&write)) {
      // "submit2" names the spec, as a stored source does.
      world_.OnSweepAccepted(row->id, world_.plan().sweeps[std::stoul(row->source.substr(6))]);
    }
  }
  world_.oracle().OnCommit(writes);
  world_.state().Commit(writes);
  // Dies between storing and sending: nobody is told.
  doomed_ = random.Chance(world_.faults().coordinator_dies / 2);
  return Ok();
}

void CoordinatorNode::ToWorker(SessionId session, std::vector<CoordinatorMessage> messages) {
  const auto found = streams_.find(session);
  if (doomed_ || found == streams_.end()) return;
  v1::SessionResponse wire;
  for (const CoordinatorMessage& message : messages) {
    world_.oracle().OnSend(message);
    AppendTo(wire, message);
  }
  world_.SendDown(found->second, wire.SerializeAsString());
}

void CoordinatorNode::Close(SessionId session, const std::string&) {
  const auto found = streams_.find(session);
  if (doomed_ || found == streams_.end()) return;
  After(Duration(300), [this, stream = found->second] {
    OnClosed(stream);
    world_.Break(stream);
  });
}

void CoordinatorNode::Answer(const Reply& reply) {
  const auto found = calls_.find(reply.call);
  if (doomed_ || found == calls_.end()) return;
  const Answered answered = std::move(found->second);
  calls_.erase(found);
  answered(reply);
}

// --- The metrics thread
// ---------------------------------------------------------------------------

bool CoordinatorNode::Push(MetricsBatch batch) {
  to_metrics_.push_back(std::move(batch));
  if (!metrics_asked_) {
    metrics_asked_ = true;
    const Duration time(1 + static_cast<std::int64_t>(world_.random().Below(100)));
    After(time, [this] { CommitMetrics(); });
  }
  return true;
}

void CoordinatorNode::CommitMetrics() {
  metrics_asked_ = false;
  std::vector<MetricsBatch> batches = std::move(to_metrics_);
  to_metrics_.clear();
  BatchesStored stored;
  for (MetricsBatch& batch : batches) {
    const std::pair key(batch.facts.attempt, batch.facts.rank);
    if (batch.fence->fenced.load()) {
      refused_.erase(key);
      continue;
    }
    StoredBatch done{.attempt = key.first, .rank = key.second, .core_facts = {}};
    if (batch.check_floor) {
      refused_.erase(key);
      const std::uint64_t floor =
          std::max(batch.floor, world_.metrics().Cursor(key.first, key.second));
      if (batch.facts.facts.front().number > floor + 1) {
        refused_.insert(key);
        done.refused = "facts are missing";
      }
    } else if (refused_.contains(key)) {
      done.refused = "";
    }
    if (!done.refused) {
      world_.metrics().Commit(key.first, key.second, batch.facts.facts);
      done.number = batch.facts.facts.back().number;
      for (Fact& fact : batch.facts.facts) {
        if (IsCoreFact(fact.body)) done.core_facts.push_back(std::move(fact));
      }
    }
    stored.batches.push_back(std::move(done));
  }
  Post(std::move(stored));
}

}  // namespace fusor::sim
