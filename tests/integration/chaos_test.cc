// Coordinator, agents, templates and trials are killed or stopped at random points of a sweep.
// Afterwards every trial has succeeded exactly once, every series is whole, and weights and tables
// are those of a run that nobody disturbed.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"
#include "tests/integration/trials.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

constexpr int kTrials = 40;
constexpr double kPatience = 240;

std::vector<std::string> Hasty() {
  return {"--lease", "2s", "--heartbeat", "500ms", "--start-deadline", "10s"};
}

std::string Sweep() {
  return "name: chaos\n"
         "objective: {metric: val/accuracy, goal: maximize}\n"
         "resources: {device: cpu, cpus: 1}\n"
         "retry: {crashes: 50, lost_workers: 50, lost_after: 2s}\n"
         "stages:\n"
         "  probes:\n"
         "    recipe: probe\n"
         "    params: {steps: 40, step_ms: 20, metrics_per_step: 3, checkpoint_every: 7, matrix: "
         "8}\n"
         "    axes: {batch_size: [1, 2, 3, 4, 5, 6, 7, 8, 9]}\n"
         "    seeds: [0, 1, 2, 3]\n"
         "  experts:\n"
         "    recipe: expert\n"
         "    params: {depth: 10, width: 8, subset: 64, batch_size: 16, epochs: 3}\n"
         "    axes: {expert: [0, 1]}\n"
         "    seeds: [0, 1]\n"
         "    priority: 60\n"
         "    checkpoint: {every_steps: 3}\n";
}

// Two agents of two slots each, and someone who means them harm.
class Battle {
 public:
  explicit Battle(std::uint64_t seed) : cluster_(Hasty()), random_(seed) {
    for (std::size_t i = 0; i < agents_.size(); ++i) Revive(i);
    sweep_ = cluster_.Submit(Sweep());
  }

  Cluster& cluster() { return cluster_; }
  const std::string& sweep() const { return sweep_; }
  bool Over() const {
    return Count("SELECT count(*) FROM trial WHERE state = 'succeeded'") == kTrials;
  }
  std::string Logs() const {
    std::string logs = harness::Slurp(cluster_.data() / "fusord.log");
    for (std::size_t i = 0; i < agents_.size(); ++i) {
      logs += Name(i) + ":\n" + harness::Slurp(cluster_.path() / (Name(i) + ".log"));
    }
    return logs;
  }

  void KillDaemon() {
    cluster_.KillDaemon();
    cluster_.RestartDaemon();
  }
  void KillAgent() {
    const std::size_t victim = Draw();
    agents_[victim]->program().Kill();
    Revive(victim);
  }
  // Of an agent that is up: one whose first template dies says so and ends.
  void KillTemplate() {
    const auto victim = AnyBusyAgent();
    const pid_t process = victim ? agents_[*victim]->Template() : 0;
    if (process > 0) ::kill(process, SIGKILL);
  }
  void KillTrial() {
    const pid_t victim = AnyTrial();
    if (victim > 0) ::kill(victim, SIGKILL);
  }
  // The trial stands still for a while, nothing is lost.
  void StopTrial() {
    const pid_t victim = AnyTrial();
    if (victim <= 0) return;
    ::kill(victim, SIGSTOP);
    Progress(60);
    ::kill(victim, SIGCONT);
  }
  // Its attempts become suspect, and perhaps are lost and granted anew, before it comes back.
  void StopAgent() {
    const bool lost = random_.Chance(0.5);
    const std::string query =
        std::string("SELECT count(*) FROM ") +
        (lost ? "attempt WHERE state = 'lost'" : "event WHERE kind = 'attempt_suspect'");
    const auto victim = AnyBusyAgent();
    if (!victim) return;
    const int before = Count(query);
    agents_[*victim]->program().Signal(SIGSTOP);
    EXPECT_TRUE(WaitUntil([&] { return Over() || Count(query) > before; }, 30)) << query;
    agents_[*victim]->program().Signal(SIGCONT);
  }

  // Lets all slots work; false while there is no daemon to hear it.
  bool Lift() { return cluster_.Fusor({"set", sweep_, "max_running=4"}).exit_code == 0; }
  int Points() const { return Number("metrics.db", "SELECT count(*) FROM point"); }
  // Waits until so many more points are stored, or the sweep is over.
  void Progress(int points) {
    const int goal = Points() + points;
    EXPECT_TRUE(WaitUntil([&] { return Points() >= goal || Over(); }, kPatience));
  }
  Random& random() { return random_; }

  // Nothing stays behind on the agents' disks.
  bool AgentsAreEmpty() const {
    return NothingLeftIn(cluster_.path() / Name(0)) && NothingLeftIn(cluster_.path() / Name(1));
  }
  void EndAgents() {
    for (auto& agent : agents_) agent.reset();
  }

 private:
  static std::string Name(std::size_t i) { return i == 0 ? "a" : "b"; }
  std::size_t Draw() { return random_.Below(agents_.size()); }
  void Revive(std::size_t i) {
    agents_[i].reset();
    agents_[i] = cluster_.StartAgent(Name(i), 2);
  }
  int Number(const std::string& database, const std::string& query) const {
    return std::atoi(cluster_.Sql(database, query).c_str());
  }
  int Count(const std::string& query) const { return Number("state.db", query); }

  // One that runs a trial, which is waited for; none when the sweep is over.
  std::optional<std::size_t> AnyBusyAgent() {
    std::vector<std::size_t> busy;
    EXPECT_TRUE(WaitUntil(
        [&] {
          busy.clear();
          for (std::size_t i = 0; i < agents_.size(); ++i) {
            if (!agents_[i]->Trials().empty()) busy.push_back(i);
          }
          return !busy.empty() || Over();
        },
        60));
    if (busy.empty()) return std::nullopt;
    return busy[random_.Below(busy.size())];
  }

  // Waits for one if there is none; 0 when the sweep is over.
  pid_t AnyTrial() {
    std::vector<pid_t> trials;
    EXPECT_TRUE(WaitUntil(
        [&] {
          trials.clear();
          for (const auto& agent : agents_) {
            for (const pid_t trial : agent->Trials()) trials.push_back(trial);
          }
          return !trials.empty() || Over();
        },
        60));
    return trials.empty() ? 0 : trials[random_.Below(trials.size())];
  }

  Cluster cluster_;
  std::array<std::unique_ptr<Agent>, 2> agents_;
  std::string sweep_;
  Random random_;
};

using Blow = void (Battle::*)();

// In an order of the seed's choice.
std::vector<Blow> Blows(Random& random) {
  std::vector<Blow> blows;
  const auto add = [&blows](Blow blow, int times) { blows.insert(blows.end(), times, blow); };
  add(&Battle::KillDaemon, 4);
  add(&Battle::KillAgent, 4);
  add(&Battle::KillTrial, 4);
  add(&Battle::KillTemplate, 2);
  add(&Battle::StopTrial, 1);
  add(&Battle::StopAgent, 2);
  for (std::size_t i = blows.size(); i > 1; --i) std::swap(blows[i - 1], blows[random.Below(i)]);
  return blows;
}

std::uint64_t Seed() {
  const char* given = std::getenv("FUSOR_CHAOS_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

// How far to go before the next blow: a random step, but so small that every later blow finds
// trials that have not begun, however late a busy machine sees the points.
int NextStep(Random& random, int left_points, std::size_t blows_left) {
  const int step = 20 + static_cast<int>(random.Below(200));
  return std::max(1, std::min(step, left_points / static_cast<int>(2 * blows_left + 2)));
}

TEST(Chaos, WhatIsKilledAtRandomPointsEndsAsIfNothingHadHappened) {
  const std::uint64_t seed = Seed();
  SCOPED_TRACE("FUSOR_CHAOS_SEED=" + std::to_string(seed));
  Battle calm(seed);
  ASSERT_TRUE(WaitUntil([&] { return calm.Over(); }, kPatience)) << calm.Logs();
  const std::string series = SeriesOf(calm.cluster(), calm.sweep());
  const std::string evaluations = EvaluationsOf(calm.cluster(), calm.sweep());
  const std::string files = FilesOf(calm.cluster(), calm.sweep());
  EXPECT_EQ(calm.cluster().Sql("state.db", "SELECT count(*) FROM attempt"),
            std::to_string(kTrials));
  EXPECT_NE(files.find(" csv log.csv "), std::string::npos) << files;
  calm.EndAgents();

  const int points = calm.Points();
  Battle battle(seed);
  const std::vector<Blow> blows = Blows(battle.random());
  // While an agent is lost the other must not finish the sweep.
  battle.cluster().Fusor({"set", battle.sweep(), "max_running=2"});
  for (std::size_t i = 0; i < blows.size(); ++i) {
    battle.Progress(NextStep(battle.random(), points - battle.Points(), blows.size() - i));
    ASSERT_FALSE(battle.Over()) << "before blow " << i;
    (battle.*blows[i])();
  }
  ASSERT_TRUE(WaitUntil([&] { return battle.Lift(); }, 60));
  const std::string& sweep = battle.sweep();
  ASSERT_TRUE(
      battle.cluster().WaitSql("state.db", "SELECT state FROM sweep", "finished", kPatience))
      << battle.Logs();
  ExpectEachSucceededOnce(battle.cluster(), sweep, kTrials);
  EXPECT_EQ(Difference(SeriesOf(battle.cluster(), sweep), series), "");
  EXPECT_EQ(Difference(EvaluationsOf(battle.cluster(), sweep), evaluations), "");
  EXPECT_EQ(Difference(FilesOf(battle.cluster(), sweep), files), "");
  EXPECT_EQ(battle.cluster().Sql("state.db",
                                 "SELECT count(*) FROM attempt WHERE NOT bit_exact AND "
                                 "started_ms >= 0"),
            "0");
  EXPECT_TRUE(WaitUntil([&] { return battle.AgentsAreEmpty(); }, 30)) << battle.Logs();
  if (::testing::Test::HasFailure()) std::fprintf(stderr, "%s\n", battle.Logs().c_str());
  battle.EndAgents();
  ExpectSound(battle.cluster());
}

}  // namespace
}  // namespace fusor::integration
