#include "coordinator/server/engine.h"

#include <chrono>
#include <utility>

namespace fusor {

namespace {
constexpr std::uint64_t kWalLookedAtEvery = 64;
}  // namespace

Engine::Engine(std::unique_ptr<Core> core, const Snapshot& snapshot, const Parts& parts)
    : core_(std::move(core)), parts_(parts), router_(*parts.metrics, *parts.stats) {
  router_.Restore(snapshot);
  committed_.last_event = snapshot.last_event;
}

Status Engine::Turn(std::span<Input> inputs, Time now) {
  CHECK(!frozen_);
  for (Input& input : inputs) Take(input, now);
  if (core_->NextDeadline() <= now) Apply(Tick{}, now);
  core_->Schedule(now, effects_);
  Follow();
  ++parts_.stats->turns;
  Status status = Commit();
  if (!status.ok()) {
    frozen_ = true;
    for (Query& query : std::exchange(queries_, {})) query.run(nullptr, now);
    return status;
  }
  Send();
  Notify();
  Ask(now);
  return Ok();
}

Status Engine::Retry(Time now) {
  CHECK(frozen_);
  RETURN_IF_ERROR(Commit());
  frozen_ = false;
  Send();
  Notify();
  Ask(now);
  return Ok();
}

void Engine::Take(Input& input, Time now) {
  if (auto* messages = std::get_if<WorkerMessages>(&input)) {
    TakeMessages(*messages, now);
  } else if (auto* stored = std::get_if<BatchesStored>(&input)) {
    for (StoredBatch& batch : stored->batches) TakeVerdict(router_.OnStored(std::move(batch)), now);
  } else if (auto* query = std::get_if<Query>(&input)) {
    queries_.push_back(std::move(*query));
  } else if (const auto* garbage = std::get_if<GarbageCollected>(&input)) {
    // Forgetting can fail without harm: what is not forgotten is collected again.
    (void)parts_.store->ForgetGarbage(garbage->sha256s);
  } else {
    const Event& event = std::get<Event>(input);
    if (const auto* closed = std::get_if<StreamClosed>(&event)) router_.OnClosed(closed->session);
    Apply(event, now);
  }
}

void Engine::TakeMessages(WorkerMessages& batch, Time now) {
  for (WorkerMessage& message : batch.messages) {
    if (auto* facts = std::get_if<FactsMessage>(&message)) {
      TakeVerdict(router_.OnFacts(batch.session, std::move(*facts)), now);
      continue;
    }
    if (const auto* hello = std::get_if<HelloMessage>(&message)) {
      router_.OnHello(batch.session, hello->info.uid);
    }
    Apply(MessageArrived{batch.session, std::move(message)}, now);
  }
}

void Engine::TakeVerdict(FactRouter::Verdict verdict, Time now) {
  if (verdict.event) Apply(*verdict.event, now);
  if (verdict.close) effects_.sends.emplace_back(std::move(*verdict.close));
}

void Engine::Apply(const Event& event, Time now) {
  ++parts_.stats->events;
  core_->Apply(event, now, effects_);
  Follow();
}

void Engine::Follow() {
  for (; writes_followed_ < effects_.writes.size(); ++writes_followed_) {
    const Write& write = effects_.writes[writes_followed_];
    router_.OnWrite(write);
    if (const auto* event = std::get_if<PutEvent>(&write)) {
      committed_.last_event = event->id;
    } else if (const auto* attempt = std::get_if<PutAttempt>(&write)) {
      const bool live =
          attempt->state == AttemptState::kGranted || attempt->state == AttemptState::kRunning;
      if (!live) committed_.ended_attempts.push_back(attempt->id);
    } else if (const auto* artifact = std::get_if<RemoveArtifact>(&write)) {
      committed_.removed_artifacts.push_back(artifact->id);
    } else if (const auto* sweep = std::get_if<RemoveSweep>(&write)) {
      committed_.removed_sweeps.push_back(sweep->id);
    }
  }
  for (; sends_followed_ < effects_.sends.size(); ++sends_followed_) {
    router_.OnSend(effects_.sends[sends_followed_]);
  }
}

Status Engine::Commit() {
  if (effects_.writes.empty() && !parts_.store->has_cleanup()) return Ok();
  const auto begin = std::chrono::steady_clock::now();
  Status status = parts_.store->Commit(effects_.writes);
  parts_.stats->state_commit.Add(std::chrono::steady_clock::now() - begin);
  if (!status.ok()) {
    ++parts_.stats->state_commit_failures;
    return status;
  }
  parts_.stats->writes += effects_.writes.size();
  if (++commits_ % kWalLookedAtEvery == 0) {
    parts_.stats->state_wal_bytes.store(parts_.store->wal_bytes());
  }
  return Ok();
}

Engine::Bundle& Engine::BundleOf(SessionId session) {
  const auto [place, added] = bundle_of_.try_emplace(session.value, bundles_used_);
  if (added) {
    if (bundles_used_ == bundles_.size()) bundles_.emplace_back();
    bundles_[bundles_used_].session = session;
    ++bundles_used_;
  }
  return bundles_[place->second];
}

void Engine::Send() {
  for (fusor::Send& send : effects_.sends) {
    if (auto* to_worker = std::get_if<SendToWorker>(&send)) {
      Bundle& bundle = BundleOf(to_worker->session);
      // Nothing follows the end of a stream.
      if (bundle.close == nullptr) bundle.messages.push_back(std::move(to_worker->message));
    } else if (const auto* close = std::get_if<CloseStream>(&send)) {
      BundleOf(close->session).close = close;
    } else {
      parts_.outbox->Answer(std::get<Reply>(send));
    }
  }
  for (std::size_t i = 0; i < bundles_used_; ++i) {
    Bundle& bundle = bundles_[i];
    if (!bundle.messages.empty()) {
      parts_.outbox->ToWorker(bundle.session, std::move(bundle.messages));
    }
    if (bundle.close != nullptr) parts_.outbox->Close(bundle.session, bundle.close->reason);
    bundle = {};
  }
  bundles_used_ = 0;
  bundle_of_.clear();
}

void Engine::Notify() {
  if (!effects_.writes.empty()) parts_.outbox->OnCommitted(committed_);
  committed_.ended_attempts.clear();
  committed_.removed_artifacts.clear();
  committed_.removed_sweeps.clear();
  effects_.writes.clear();
  effects_.sends.clear();
  writes_followed_ = 0;
  sends_followed_ = 0;
}

void Engine::Ask(Time now) {
  for (Query& query : std::exchange(queries_, {})) query.run(core_.get(), now);
}

}  // namespace fusor
