// A core restored from the tables knows what the one before it knew, whatever happened: random
// events, and at random points the two are compared. Invariants hold all the way, and all worlds
// end.

#include "common/base/random.h"
#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using std::chrono::seconds;

class RestoreTest : public CoreTest {
 protected:
  struct Agent {
    WorkerInfo info;
    SessionId session;  // 0 = cut off
    std::set<AttemptId> held;
  };

  void RunWorld(std::uint64_t seed) {
    random = std::make_unique<Random>(seed);
    for (int n = 0; n < 3; ++n) {
      const int slots = 1 + static_cast<int>(random->Below(3));
      agents.push_back({.info = CpuWorker("n" + std::to_string(n), slots)});
    }
    for (int n = 0; n < 2; ++n) SubmitRandom();
    for (int step = 0; step < 150; ++step) {
      Act();
      CheckSlots();
      if (random->Chance(0.1)) CompareWithRestored();
      if (random->Chance(0.02)) RestartAll();
      if (HasFatalFailure()) return;
    }
    Heal();
  }

  void SubmitRandom() {
    StageSpec first = StageOf("first", {IntAxis("x", 1 + static_cast<int>(random->Below(4)))}, 2);
    StageSpec second = StageOf("second", {IntAxis("y", 2)}, 2);
    second.needs.push_back({.stage = 0, .match = {{0, 0}}, .collect = {1}});
    StageSpec third = StageOf("third", {IntAxis("y", 2)}, 2);
    third.needs.push_back({.stage = 1, .match = {{0, 0}, {1, 1}}});
    first.retry.crashes = static_cast<int>(random->Below(2));
    if (random->Chance(0.3)) second.resources.slots = 2;
    if (random->Chance(0.5)) second.resources.spread = Spread::kAny;
    SweepSpec spec = SweepOf({first, second, third});
    if (random->Chance(0.3)) spec.on_failure = {StageFailure::kSkipDependents, 0.4};
    if (random->Chance(0.1)) spec.on_failure = {StageFailure::kCancel, 0.4};
    if (random->Chance(0.3)) spec.max_running = 2;
    Submit(spec);
  }

  // Agents take what they are told, as far as it reaches them.
  void Hear() {
    for (const Send& send : sent) {
      const auto* to = std::get_if<SendToWorker>(&send);
      if (to == nullptr) continue;
      for (Agent& agent : agents) {
        if (agent.session != to->session) continue;
        if (const auto* start = std::get_if<StartMessage>(&to->message)) {
          agent.held.insert(start->attempt);
        } else if (const auto* stop = std::get_if<StopMessage>(&to->message)) {
          if (stop->mode == StopMode::kDrop) agent.held.erase(stop->attempt);
        }
      }
    }
  }

  void ConnectAgent(Agent& agent) {
    agent.session = Connect(agent.info, {agent.held.begin(), agent.held.end()});
    if (!SentOf<RefuseMessage>().empty()) agent.session = {};
    Hear();
  }

  void Cut(Agent& agent) {
    if (agent.session) Disconnect(agent.session);
    Hear();
    agent.session = {};
  }

  Outcome RandomOutcome() {
    switch (random->Below(6)) {
      case 0:
        return Crashed();
      case 1:
        return FailedWith(Failure::kDiverged);
      case 2:
        return {.kind = OutcomeKind::kReleased};
      default:
        return {};
    }
  }

  // One process of the agent ends.
  void EndOne(Agent& agent, const Outcome& outcome) {
    if (!agent.session || agent.held.empty()) return;
    const AttemptId attempt = *std::next(
        agent.held.begin(), static_cast<std::ptrdiff_t>(random->Below(agent.held.size())));
    const auto row = tables.attempts.find(attempt);
    if (row == tables.attempts.end()) return;
    std::vector<std::uint32_t> ranks;
    for (std::uint32_t rank = 0; rank < row->second.slots.size(); ++rank) {
      const WorkerId worker = row->second.slots[rank].first;
      if (tables.workers.at(worker).info.uid == agent.info.uid) ranks.push_back(rank);
    }
    agent.held.erase(attempt);
    for (const std::uint32_t rank : ranks) {
      if (random->Chance(0.3)) Report(agent.session, attempt, {StartedFact{}}, rank);
      Hear();
      End(agent.session, attempt, outcome, seconds(100), rank);
      Hear();
    }
  }

  void BeatAll() {
    for (Agent& agent : agents) {
      if (!agent.session) continue;
      Beat(agent.session, {agent.held.begin(), agent.held.end()});
      Hear();
    }
  }

  void Act() {
    Agent& agent = agents[random->Below(agents.size())];
    const SweepId sweep{1 + random->Below(2)};
    switch (random->Below(16)) {
      case 0:
        if (!agent.session) ConnectAgent(agent);
        return;
      case 1:
        if (random->Chance(0.3)) Cut(agent);
        return;
      case 2:
        if (random->Chance(0.3)) {
          Cut(agent);
          ++agent.info.incarnation;
          agent.held.clear();
          ConnectAgent(agent);
        }
        return;
      case 3:
        Pass(seconds(1 + static_cast<std::int64_t>(random->Below(40))));
        Hear();
        return;
      case 4:
        PersonActs(sweep);
        Hear();
        return;
      case 5:
      case 6:
        BeatAll();
        return;
      default:
        EndOne(agent, RandomOutcome());
    }
  }

  void PersonActs(SweepId sweep) {
    const std::uint32_t stage = static_cast<std::uint32_t>(random->Below(3));
    switch (random->Below(10)) {
      case 9:
        return ExtendRandom(sweep);
      case 0:
        return Turn(PauseSweep{NextRequest(), sweep, random->Chance(0.5)});
      case 1:
      case 2:
        return Turn(ResumeSweep{NextRequest(), sweep});
      case 3:
        if (random->Chance(0.3)) Turn(CancelSweep{NextRequest(), sweep, ""});
        return;
      case 4:
      case 5:
        return Turn(RetryTrials{NextRequest(), sweep, {}});
      case 6:
        return Turn(CancelTrials{NextRequest(), {{sweep, stage, random->Below(2)}}});
      case 7:
        return Turn(DrainWorker{NextRequest(), WorkerId{1}, now + seconds(5), "test"});
      default:
        return Turn(ResumeWorker{NextRequest(), WorkerId{1}});
    }
  }

  void ExtendRandom(SweepId sweep) {
    SweepSpec spec = *tables.specs.at(sweep);
    const std::size_t seeds = spec.stages[0].axes[0].values.size();
    if (seeds >= 4) return;
    for (StageSpec& stage : spec.stages) {
      stage.axes[0].values.emplace_back(static_cast<std::int64_t>(seeds));
      stage.dimensions[0].rows.push_back({static_cast<std::uint32_t>(seeds)});
    }
    const auto shared = std::make_shared<const SweepSpec>(std::move(spec));
    Turn(ExtendSweep{NextRequest(), sweep, {static_cast<std::int64_t>(seeds)}, shared});
    if (LastReply().status.ok()) tables.specs[sweep] = shared;
  }

  // No slot belongs to two live attempts, and no trial has two.
  void CheckSlots() {
    std::set<std::pair<WorkerId, std::uint32_t>> taken;
    std::set<TrialKey> trials;
    for (const auto& [id, row] : tables.attempts) {
      const bool live = row.state == AttemptState::kGranted || row.state == AttemptState::kRunning;
      ASSERT_EQ(core->FindAttempt(id).has_value(), live) << "attempt " << id.value;
      if (!live) continue;
      ASSERT_TRUE(trials.insert(row.trial).second);
      for (const auto& slot : row.slots) ASSERT_TRUE(taken.insert(slot).second);
    }
  }

  void CompareWithRestored() {
    Core restored(options, tables.Load(), now);
    Effects effects;
    restored.Schedule(now, effects);
    ASSERT_TRUE(effects.writes.empty()) << "a restored core has nothing to do";
    for (const auto& [id, row] : tables.sweeps) {
      const SweepView here = core->ViewSweep(id);
      const SweepView there = restored.ViewSweep(id);
      ASSERT_EQ(here.state, there.state);
      for (std::uint32_t stage = 0; stage < here.stages.size(); ++stage) {
        ASSERT_EQ(here.stages[stage].counts, there.stages[stage].counts)
            << "sweep " << id.value << " stage " << stage << History();
        ASSERT_EQ(core->States(id, stage, 0, 1000), restored.States(id, stage, 0, 1000));
      }
    }
    for (const auto& [id, row] : tables.attempts) {
      ASSERT_EQ(core->FindAttempt(id).has_value(), restored.FindAttempt(id).has_value());
    }
  }

  std::string History() const {
    std::string text;
    for (const PutEvent& event : tables.events) {
      text += "\n" + event.kind + " " + std::to_string(event.sweep.value);
      if (event.has_trial) {
        text += "." + std::to_string(event.trial.stage) + "." + std::to_string(event.trial.cell);
      }
      text += " " + event.detail + " (" + event.reason + ")";
    }
    return text;
  }

  void RestartAll() {
    Restart();
    for (Agent& agent : agents) agent.session = {};
  }

  // No more faults: everything comes to an end.
  void Heal() {
    for (Agent& agent : agents) {
      if (!agent.session) ConnectAgent(agent);
    }
    for (const auto& [id, row] : tables.sweeps) Turn(ResumeSweep{NextRequest(), id});
    Hear();
    for (const auto& [id, row] : tables.workers) {
      Turn(ResumeWorker{NextRequest(), id});
      Hear();
    }
    for (int round = 0; round < 400; ++round) {
      Pass(seconds(3));
      Hear();
      for (Agent& agent : agents) {
        if (!agent.session) ConnectAgent(agent);
        while (agent.session && !agent.held.empty()) EndOne(agent, {});
      }
      BeatAll();
    }
    for (const auto& [id, row] : tables.sweeps) {
      if (row.ended != kNever) continue;
      // Open still: in some worlds no worker has the two slots that a gang needs.
      std::string why;
      for (std::uint32_t stage = 0; stage < 3; ++stage) {
        for (std::uint64_t cell = 0; cell < 8; ++cell) {
          for (const std::string& reason : core->Explain({id, stage, cell}, now).reasons) {
            why += std::to_string(stage) + "." + std::to_string(cell) + ": " + reason + "\n";
          }
        }
      }
      EXPECT_NE(why.find("needed are 2 slots"), std::string::npos) << why;
    }
    CompareWithRestored();
  }

  std::unique_ptr<Random> random;
  std::vector<Agent> agents;
};

class RestoreSeedTest : public RestoreTest, public testing::WithParamInterface<int> {};

TEST_P(RestoreSeedTest, RestoredIsWhatWasThere) {
  for (int seed = GetParam() * 100; seed < GetParam() * 100 + 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core = std::make_unique<Core>(options);
    tables = {};
    agents.clear();
    RunWorld(static_cast<std::uint64_t>(seed));
    if (HasFailure()) return;
  }
}

TEST_F(RestoreTest, TheSameEventsHaveTheSameEffects) {
  std::vector<std::string> histories;
  for (int run = 0; run < 2; ++run) {
    std::string history;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      core = std::make_unique<Core>(options);
      tables = {};
      agents.clear();
      RunWorld(seed);
      history += History();
    }
    histories.push_back(std::move(history));
  }
  EXPECT_EQ(histories[0], histories[1]);
}

INSTANTIATE_TEST_SUITE_P(Worlds, RestoreSeedTest, testing::Range(0, 5));

}  // namespace
}  // namespace fusor
