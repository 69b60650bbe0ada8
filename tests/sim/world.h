#pragma once

// One simulated cluster: a coordinator, its agents, the network between them, the people who use
// it. All of it is decided by the seed. A broken promise ends the run with its text.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "tests/sim/clock.h"
#include "tests/sim/fake_store.h"
#include "tests/sim/oracle.h"
#include "tests/sim/plan.h"

namespace fusor::sim {

class AgentNode;
class CoordinatorNode;
class People;

// A file's content, as far as the simulation cares.
struct Blob {
  std::string trial;
  std::int64_t step = 0;
  std::uint64_t state = 0;
};

// One stream between an agent and the coordinator. Messages keep their order; when it breaks, what
// was under way is gone in both directions.
struct Stream {
  SessionId id;
  std::size_t agent = 0;
  bool open = true;
  Time last_up{};  // arrival of the newest message towards the coordinator
  Time last_down{};
};

struct Verdict {
  bool passed = false;
  std::string failure;  // the first broken promise
  std::uint64_t fingerprint = 0;
  std::uint64_t steps = 0;  // things done in the run
};

class World {
 public:
  explicit World(WorldPlan plan);
  ~World();

  Verdict Run();

  // --- For the nodes ---
  Clock& clock() { return clock_; }
  Random& random() { return random_; }
  const WorldPlan& plan() const { return plan_; }
  const Faults& faults() const { return healed_ ? no_faults_ : plan_.faults; }
  bool healed() const { return healed_; }
  Oracle& oracle() { return oracle_; }
  FakeStateStore& state() { return state_; }
  FakeMetricsStore& metrics() { return metrics_; }
  std::map<std::string, Blob>& blobs() { return blobs_; }
  CoordinatorNode& coordinator() { return *coordinator_; }
  AgentNode& agent(std::size_t index) { return *agents_[index]; }
  std::string DescribeAgent(std::size_t agent) const;
  std::size_t agents() const { return agents_.size(); }
  const std::map<SweepId, std::shared_ptr<const SweepSpec>>& specs() const { return specs_; }

  // Opens a stream; nullptr when the coordinator cannot be reached.
  std::shared_ptr<Stream> Connect(std::size_t agent);
  void Break(const std::shared_ptr<Stream>& stream);
  void SendUp(const std::shared_ptr<Stream>& stream, const std::string& bytes);
  void SendDown(const std::shared_ptr<Stream>& stream, const std::string& bytes);
  bool Reachable(std::size_t agent) const;
  void BreakAll();

  // "7.s1.3" as a key; nothing when no such sweep was accepted.
  std::optional<TrialKey> ParseTrial(const std::string& text) const;
  // One line about what happens, when the run is watched.
  void Say(const std::string& line) const;
  void Watch() { watched_ = true; }
  void Trace(std::uint64_t word) { fingerprint_ = Mix(fingerprint_, word); }
  // A commit holds the sweep: its spec can be parsed again from now on.
  void OnSweepAccepted(SweepId sweep, std::shared_ptr<const SweepSpec> spec);

 private:
  Duration Delay();
  bool RunOne(Time until);
  void EverySecond();
  void Heal();
  bool Settled() const;

  // Constant after construction.
  const WorldPlan plan_;
  const Faults no_faults_{};

  Clock clock_;
  Random random_;
  Oracle oracle_;
  FakeStateStore state_;
  FakeMetricsStore metrics_;
  std::map<std::string, Blob> blobs_;
  std::map<SweepId, std::shared_ptr<const SweepSpec>> specs_;
  std::vector<Time> cut_off_until_;  // per agent
  std::vector<std::shared_ptr<Stream>> streams_;
  std::uint64_t next_session_ = 1;
  std::uint64_t fingerprint_ = 0;
  bool healed_ = false;
  bool watched_ = false;
  std::unique_ptr<CoordinatorNode> coordinator_;
  std::vector<std::unique_ptr<AgentNode>> agents_;
  std::unique_ptr<People> people_;
};

}  // namespace fusor::sim
