#pragma once

// The simulated coordinator: the daemon's own engine with the real core in it, on fake databases
// that outlive its crashes.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/core.h"
#include "coordinator/server/engine.h"
#include "tests/sim/world.h"

namespace fusor::sim {

class CoordinatorNode : public CommitTarget, public MetricsQueue, public Outbox {
 public:
  explicit CoordinatorNode(World& world);

  void Start();
  void Die();
  bool alive() const { return engine_ != nullptr; }

  void OnOpened(const std::shared_ptr<Stream>& stream);
  void OnClosed(const std::shared_ptr<Stream>& stream);
  void OnBytes(const std::shared_ptr<Stream>& stream, const std::string& bytes);

  // A client's call, answered once unless the coordinator dies first.
  using Answered = std::function<void(const Reply&)>;
  void Call(Event event, CallId call, Answered answered);

  std::vector<std::string> Explain(const TrialKey& trial) const;

 private:
  // CommitTarget
  Status Commit(std::span<const Write> writes) override;
  bool has_cleanup() const override { return false; }
  Status ForgetGarbage(std::span<const std::string>) override { return Ok(); }
  std::uint64_t wal_bytes() const override { return 0; }
  // MetricsQueue
  bool Push(MetricsBatch batch) override;
  // Outbox
  void ToWorker(SessionId session, std::vector<CoordinatorMessage> messages) override;
  void Close(SessionId session, const std::string& reason) override;
  void Answer(const Reply& reply) override;
  void OnCommitted(const Committed&) override {}

  void CommitMetrics();
  void Post(Input input);
  void Turn();
  void AfterTurn(const Status& status);
  void AskTurn(Duration delay);
  void After(Duration delay, std::function<void()> action);
  Time Now() const { return world_.clock().now() - stood_still_; }

  World& world_;

  // Gone when the coordinator dies.
  std::uint64_t life_ = 0;
  std::unique_ptr<Stats> stats_;
  std::unique_ptr<Engine> engine_;
  const Core* core_ = nullptr;  // the engine's
  std::vector<Input> inbox_;
  bool turn_asked_ = false;
  bool doomed_ = false;      // dies at the end of this turn; what it says is lost
  Duration stood_still_{0};  // lease time does not run while frozen
  Time wake_at_ = kNever;
  std::map<SessionId, std::shared_ptr<Stream>> streams_;
  std::vector<MetricsBatch> to_metrics_;
  bool metrics_asked_ = false;
  std::set<std::pair<AttemptId, std::uint32_t>> refused_;
  std::map<CallId, Answered> calls_;
};

}  // namespace fusor::sim
