// Who may speak for a worker and for an attempt: zombies, doubles, the suspect.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"
#include "tests/integration/fake_worker.h"
#include "tests/integration/net.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

// Short, but long enough for a machine that has other things to do.
const std::vector<std::string> kHasty = {"--lease", "2s", "--heartbeat", "200ms"};

// One trial of 300 steps; `lost_after` is when its worker's silence costs it the trial.
std::string LongTrial(const std::string& lost_after) {
  return "name: long\nobjective: {metric: val/accuracy, goal: maximize}\nresources: {device: cpu}\n"
         "retry: {lost_workers: 5, lost_after: " +
         lost_after +
         "}\nstages:\n  s:\n    recipe: probe\n    params: {steps: 300, step_ms: 10, "
         "checkpoint_every: 20}\n";
}

// Everything of one attempt that metrics.db holds, in one text: had anything entered, it differs.
std::string StoredOf(const Cluster& cluster, const std::string& attempt) {
  return cluster.Sql(
      "metrics.db",
      "SELECT (SELECT count(*) FROM series AS s JOIN point AS p ON p.series = s.id WHERE s.attempt "
      "= " +
          attempt + ") || ' points ' || (SELECT count(*) FROM log WHERE attempt = " + attempt +
          ") || ' lines ' || (SELECT coalesce(max(number), 0) FROM cursor WHERE attempt = " +
          attempt + ") || ' facts'");
}

// 300 steps, each once, from the attempts that count.
void ExpectWholeSeries(const Cluster& cluster) {
  EXPECT_EQ(cluster.Sql("metrics.db",
                        "SELECT count(*) || ' ' || count(DISTINCT step) || ' ' || min(step) || ' ' "
                        "|| max(step) FROM trial_point WHERE name = 'train/loss' AND NOT "
                        "superseded"),
            "300 300 1 300");
}

// No fact of an attempt below where the next took over may be missing from the sweep's files.
void ExpectVerified(Cluster& cluster) {
  const Output verified =
      Fusord(cluster.path(), {"verify", "--deep", "--data", cluster.data().string()});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

bool WaitSteps(const Cluster& cluster, int steps) {
  return WaitUntil(
      [&] {
        return std::atoi(cluster.Sql("metrics.db", "SELECT max(step) FROM progress").c_str()) >=
               steps;
      },
      60);
}

bool IsGone(pid_t process) { return ::kill(process, 0) != 0; }

// The cable is pulled: agent and trial live on and go on, and spool what they have to say.
TEST(Identity, CutOffLongerThanLostAfterItsFactsAreRefused) {
  Cluster cluster(kHasty);
  Proxy cable(cluster.daemon().address());
  const auto first = cluster.StartAgentVia(cable.address(), "a", 1);
  const std::string sweep = cluster.Submit(LongTrial("2s"));
  ASSERT_TRUE(WaitSteps(cluster, 10)) << first->Log();
  ASSERT_FALSE(first->Trials().empty());
  const pid_t zombie = first->Trials().front();
  cable.Set(Proxy::Mode::kHold);
  const auto second = cluster.StartAgent("b", 1);
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT count(*) FROM attempt WHERE number = 2", "1", 60))
      << cluster.Log();
  const std::string before = StoredOf(cluster, "1");
  // What it says from here on is the zombie's.
  cable.Set(Proxy::Mode::kForward);
  EXPECT_TRUE(WaitUntil([&] { return IsGone(zombie); }, 60)) << first->Log();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << second->Log();
  EXPECT_EQ(StoredOf(cluster, "1"), before);
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM attempt WHERE number = 1"), "lost");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt WHERE outcome = 'succeeded'"),
            "1");
  ExpectWholeSeries(cluster);
  ExpectVerified(cluster);
  // The zombie's agent is a worker like any other again.
  EXPECT_TRUE(
      cluster.WaitSql("state.db", "SELECT count(*) FROM worker WHERE state = 'connected'", "2", 60))
      << first->Log();
}

// Agent and trial stop, as on a machine that was suspended, and wake when all is over.
TEST(Identity, SuspendedMachineComesBackTooLate) {
  Cluster cluster(kHasty);
  const auto first = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(LongTrial("2s"));
  ASSERT_TRUE(WaitSteps(cluster, 10)) << first->Log();
  ASSERT_FALSE(first->Trials().empty());
  const pid_t zombie = first->Trials().front();
  ::kill(zombie, SIGSTOP);
  first->program().Signal(SIGSTOP);
  const auto second = cluster.StartAgent("b", 1);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << second->Log();
  const std::string before = StoredOf(cluster, "1");
  first->program().Signal(SIGCONT);
  ::kill(zombie, SIGCONT);
  EXPECT_TRUE(WaitUntil([&] { return IsGone(zombie); }, 60)) << first->Log();
  EXPECT_TRUE(
      cluster.WaitSql("state.db", "SELECT count(*) FROM worker WHERE state = 'connected'", "2", 60))
      << first->Log();
  EXPECT_EQ(StoredOf(cluster, "1"), before);
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM attempt WHERE number = 1"), "lost");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM trial"), "succeeded");
  ExpectWholeSeries(cluster);
  ExpectVerified(cluster);
}

// The worst zombie: its stream never broke, it only was silent, and it does not ask before it
// speaks.
TEST(Identity, FactsOfASilentStreamAreFenced) {
  Cluster cluster(kHasty);
  FakeWorker zombie(cluster.daemon().address(), cluster.daemon().token());
  zombie.Hello("zombie", 1, {});
  const std::string sweep = cluster.Submit(LongTrial("3s"));
  const v1::CoordinatorItem start = zombie.AwaitKind(v1::CoordinatorItem::kStart);
  ASSERT_TRUE(start.has_start()) << cluster.Log();
  const std::uint64_t attempt = start.start().attempt();
  zombie.Heartbeat({attempt});
  zombie.SayPoints(attempt, 1, 1, 5);
  ASSERT_TRUE(zombie.AwaitKind(v1::CoordinatorItem::kAck).has_ack());
  const auto agent = cluster.StartAgent("b", 1);
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT count(*) FROM attempt WHERE number = 2", "1", 60))
      << cluster.Log();
  const std::string before = StoredOf(cluster, std::to_string(attempt));
  zombie.SayPoints(attempt, 6, 6, 50);
  zombie.SayFinal(attempt, 56);
  const v1::CoordinatorItem stop = zombie.Await(
      [](const v1::CoordinatorItem& item) { return item.has_stop() || item.has_register_again(); });
  ASSERT_TRUE(stop.has_stop() || stop.has_register_again()) << cluster.Log();
  if (stop.has_stop()) {
    EXPECT_EQ(stop.stop().mode(), v1::STOP_MODE_DROP);
  }
  // Nor may it, greeted anew, speak for the attempt that another worker holds.
  (void)zombie.End();
  FakeWorker liar(cluster.daemon().address(), cluster.daemon().token());
  liar.Hello("zombie", 1, {});
  ASSERT_TRUE(liar.AwaitKind(v1::CoordinatorItem::kWelcome).has_welcome()) << cluster.Log();
  const std::uint64_t other =
      std::stoull(cluster.Sql("state.db", "SELECT id FROM attempt WHERE number = 2"));
  liar.SayPoints(other, 1'000'000, 1, 5);
  EXPECT_EQ(liar.AwaitKind(v1::CoordinatorItem::kStop).stop().attempt(), other);
  liar.SayFinal(other, 1);
  EXPECT_EQ(liar.AwaitKind(v1::CoordinatorItem::kStop).stop().attempt(), other);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << agent->Log();
  EXPECT_EQ(StoredOf(cluster, std::to_string(attempt)), before);
  ExpectWholeSeries(cluster);
  const HttpAnswer metrics = HttpGet(cluster.daemon().http(), "/metrics", cluster.daemon().token());
  EXPECT_EQ(metrics.body.find("fusor_facts_fenced_total 0\n"), std::string::npos) << metrics.body;
}

TEST(Identity, BackBeforeLostAfterItGoesOnUnderTheSameNumber) {
  Cluster cluster(kHasty);
  Proxy cable(cluster.daemon().address());
  const auto agent = cluster.StartAgentVia(cable.address(), "a", 1);
  const auto spare = cluster.StartAgent("b", 1);
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT count(*) FROM worker", "2", 30));
  // Placed on "a", which is cut off; "b" is free all the time.
  ASSERT_EQ(cluster.Fusor({"drain", "b", "--deadline", "1h"}).exit_code, 0);
  const std::string sweep = cluster.Submit(LongTrial("10m"));
  ASSERT_TRUE(WaitSteps(cluster, 10)) << agent->Log();
  ASSERT_EQ(cluster.Fusor({"resume", "--worker", "b"}).exit_code, 0);
  const pid_t trial = agent->Trials().empty() ? 0 : agent->Trials().front();
  cable.Set(Proxy::Mode::kHold);
  ASSERT_TRUE(cluster.WaitSql(
      "state.db", "SELECT count(*) > 0 FROM event WHERE kind = 'attempt_suspect'", "1", 60));
  cable.Set(Proxy::Mode::kForward);
  ASSERT_TRUE(cluster.WaitSql(
      "state.db", "SELECT count(*) > 0 FROM event WHERE kind = 'attempt_back'", "1", 60))
      << agent->Log();
  EXPECT_FALSE(IsGone(trial));
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) || ' ' || max(number) FROM attempt"), "1 1");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT losses FROM trial"), "0");
  ExpectWholeSeries(cluster);
}

// A copied data directory, taken while its agent runs a trial.
TEST(Identity, TwoAgentsClaimOneId) {
  Cluster cluster;
  auto first = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(LongTrial("10s"));
  ASSERT_TRUE(WaitSteps(cluster, 10)) << first->Log();
  // As a user copies it: what goes away meanwhile is passed over.
  const std::string copy = (cluster.path() / "copy").string();
  (void)!std::system(
      ("cp -a '" + (cluster.path() / "a").string() + "' '" + copy + "' 2>/dev/null").c_str());
  ASSERT_EQ(harness::Slurp(copy + "/uid"), harness::Slurp(cluster.path() / "a" / "uid"));
  ASSERT_TRUE(std::filesystem::exists(copy + "/attempts/1.0.process"));
  const auto second = cluster.StartAgent("copy", 1);
  const std::string uid = cluster.Sql("state.db", "SELECT uid FROM worker");
  ASSERT_TRUE(cluster.WaitSql(
      "state.db",
      "SELECT count(*) > 0 FROM event WHERE kind = 'worker_refused' AND reason LIKE '%" + uid +
          "%'",
      "1", 60))
      << second->Log();
  EXPECT_TRUE(WaitUntil([&] { return cluster.Log().find(uid) != std::string::npos; }, 10))
      << cluster.Log();
  EXPECT_TRUE(WaitUntil(
      [&] { return second->Log().find("give each its own directory") != std::string::npos; }, 10))
      << second->Log();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << first->Log();
  // The first one's trial was never touched.
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) || ' ' || max(number) FROM attempt"), "1 1");
  EXPECT_TRUE(second->Trials().empty());
  ExpectWholeSeries(cluster);
  // When the first one's stream is gone the other may come, and works.
  first.reset();
  const std::string next = cluster.Submit(LongTrial("10s"));
  ASSERT_TRUE(cluster.WaitEnded(next, 1, 120)) << second->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM worker"), "1");
}

}  // namespace
}  // namespace fusor::integration
