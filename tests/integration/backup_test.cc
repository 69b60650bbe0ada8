// A backup taken while everything runs, and what becomes of a cluster that is put back to it.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"
#include "tests/integration/fake_worker.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

constexpr int kTrials = 12;
constexpr int kSteps = 150;

std::string Sweep() {
  return "name: work\nobjective: {metric: val/accuracy, goal: maximize}\nresources: {device: cpu}\n"
         "retry: {lost_workers: 20, lost_after: 5s}\n"
         "stages:\n  s:\n    recipe: probe\n"
         "    params: {steps: 150, step_ms: 10, metrics_per_step: 3, checkpoint_every: 10}\n"
         "    axes: {batch_size: [1, 2, 3, 4]}\nseeds: [0, 1, 2]\n";
}

// Trials without end in sight, one after the other: what else goes on.
std::string Load() {
  return "name: load\nobjective: {metric: val/accuracy, goal: maximize}\nresources: {device: cpu}\n"
         "stages:\n  s:\n    recipe: probe\n    params: {steps: 3, checkpoint_every: 1}\n"
         "    axes: {batch_size: [1, 2, 3, 4, 5, 6, 7, 8]}\nseeds: [0, 1, 2, 3, 4, 5, 6, 7]\n"
         "priority: 60\n";
}

int Count(const Cluster& cluster, const std::string& database, const std::string& query) {
  return std::atoi(cluster.Sql(database, query).c_str());
}

Output Verify(const Cluster& cluster, const std::filesystem::path& data, bool deep) {
  std::vector<std::string> words = {"verify", "--data", data.string()};
  if (deep) words.emplace_back("--deep");
  return Fusord(cluster.path(), words);
}

void ExpectVerified(const Cluster& cluster, const std::filesystem::path& data) {
  for (const bool deep : {false, true}) {
    const Output verified = Verify(cluster, data, deep);
    EXPECT_EQ(verified.exit_code, 0)
        << data << (deep ? " deep\n" : "\n") << verified.out << verified.err;
  }
}

const char* const kSucceeded = "SELECT count(*) FROM trial WHERE sweep = 1 AND state = 'succeeded'";

TEST(Backup, ARestoredClusterFinishesItsSweep) {
  Cluster cluster;
  const auto first = cluster.StartAgent("a", 2);
  const std::string sweep = cluster.Submit(Sweep());
  ASSERT_TRUE(WaitUntil([&] { return Count(cluster, "state.db", kSucceeded) >= 1; }, 120))
      << first->Log();
  const std::string load = cluster.Submit(Load());
  const auto second = cluster.StartAgent("b", 2);
  ASSERT_TRUE(WaitUntil(
      [&] {
        return Count(cluster, "state.db",
                     "SELECT count(*) FROM trial WHERE sweep = 2 AND state = 'succeeded'") >= 3;
      },
      60))
      << second->Log();
  // Two, one after the other, while trials end, checkpoint and report; the newer one counts.
  std::filesystem::path backup;
  for (const char* name : {"backup1", "backup2"}) {
    backup = cluster.path() / name;
    const Output saved = Fusord(cluster.path(), {"backup", backup.string(), "--artifacts", "--data",
                                                 cluster.data().string()});
    ASSERT_EQ(saved.exit_code, 0) << saved.err;
    ExpectVerified(cluster, backup);
  }
  // More happens that the backup does not know of.
  const int then = Count(cluster, "state.db", kSucceeded);
  ASSERT_LT(then, kTrials);
  const std::string granted = "SELECT last FROM counter WHERE name = 'attempt'";
  const int attempts = Count(cluster, "state.db", granted);
  ASSERT_TRUE(WaitUntil([&] { return Count(cluster, "state.db", granted) > attempts + 3; }, 120));
  cluster.KillDaemon();
  ASSERT_NE(cluster.Sql("state.db", "SELECT count(*) FROM lease"), "0");

  const std::filesystem::path original = cluster.path() / "original";
  std::filesystem::rename(cluster.data(), original);
  ExpectVerified(cluster, original);
  const Output restored =
      Fusord(cluster.path(), {"restore", backup.string(), "--data", cluster.data().string()});
  ASSERT_EQ(restored.exit_code, 0) << restored.err;
  ExpectVerified(cluster, cluster.data());
  EXPECT_GT(Count(cluster, "state.db", "SELECT value FROM meta WHERE key = 'generation'"), 1);
  std::filesystem::copy(original / "token", cluster.data() / "token");
  cluster.RestartDaemon();

  // Both agents knew a later state: they say so, and work again.
  for (const auto& agent : {&first, &second}) {
    EXPECT_TRUE(WaitUntil(
        [&] { return (*agent)->Log().find("restored from a backup") != std::string::npos; }, 60))
        << (*agent)->Log();
  }
  EXPECT_TRUE(WaitUntil(
      [&] { return cluster.Log().find("restored from a backup") != std::string::npos; }, 10))
      << cluster.Log();
  ASSERT_TRUE(cluster.WaitEnded(sweep, kTrials, 240)) << first->Log() << cluster.Log();
  ASSERT_TRUE(cluster.WaitEnded(load, 64, 240)) << first->Log() << cluster.Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT group_concat(DISTINCT state) FROM trial"), "succeeded");
  const std::string points = std::to_string(kTrials * kSteps);
  EXPECT_EQ(cluster.Sql("metrics.db",
                        "SELECT count(*) || ' ' || count(DISTINCT cell * 1000 + step) FROM "
                        "trial_point WHERE sweep = 1 AND name = 'train/loss' AND NOT superseded"),
            points + " " + points);
  // Verified while it runs, and at rest.
  ExpectVerified(cluster, cluster.data());
  cluster.daemon().program().Signal(SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return !cluster.daemon().program().Running(); }, 60));
  ExpectVerified(cluster, cluster.data());
}

// A worker that was granted a trial and has told a little when the backup is made, too little for
// state.db to know that it began. It dropped the attempt with the rest: told to start it again
// under the same number, its facts would be taken for those that metrics.db has.
TEST(Backup, AGrantOfTheOtherGenerationIsNotToldAgain) {
  Cluster cluster;
  const std::string sweep = cluster.Submit(Sweep());
  auto worker = std::make_unique<FakeWorker>(cluster.daemon().address(), cluster.daemon().token());
  worker->Hello("w", 1, {});
  const v1::Start before = worker->AwaitKind(v1::CoordinatorItem::kStart).start();
  ASSERT_EQ(before.number(), 1u);
  worker->SayPoints(before.attempt(), 1, 1, 5);
  ASSERT_TRUE(worker->AwaitKind(v1::CoordinatorItem::kAck).has_ack());
  const std::string backup = (cluster.path() / "backup").string();
  ASSERT_EQ(Fusord(cluster.path(), {"backup", backup, "--data", cluster.data().string()}).exit_code,
            0);
  cluster.KillDaemon();
  std::filesystem::rename(cluster.data(), cluster.path() / "original");
  ASSERT_EQ(
      Fusord(cluster.path(), {"restore", backup, "--data", cluster.data().string()}).exit_code, 0);
  cluster.RestartDaemon();
  worker = std::make_unique<FakeWorker>(cluster.daemon().address(), cluster.daemon().token());
  worker->Hello("w", 1, {});
  const v1::Start after = worker->AwaitKind(v1::CoordinatorItem::kStart).start();
  EXPECT_EQ(after.trial(), before.trial());
  EXPECT_NE(after.attempt(), before.attempt());
  EXPECT_EQ(after.number(), 2u);
}

// What a restore must not do, each with one clear line.
TEST(Backup, RefusesWhatWouldHarm) {
  Cluster cluster;
  const std::string backup = (cluster.path() / "backup").string();
  ASSERT_EQ(Fusord(cluster.path(), {"backup", backup, "--data", cluster.data().string()}).exit_code,
            0);
  // Over a directory that has databases, and under a running daemon.
  const Output over =
      Fusord(cluster.path(), {"restore", backup, "--data", cluster.data().string()});
  EXPECT_EQ(over.exit_code, 1);
  EXPECT_EQ(std::count(over.err.begin(), over.err.end(), '\n'), 1) << over.err;
  // A second backup into the first.
  const Output again =
      Fusord(cluster.path(), {"backup", backup, "--data", cluster.data().string()});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_NE(again.err.find("not empty"), std::string::npos) << again.err;
  // Damaged on the way.
  const std::filesystem::path file = std::filesystem::path(backup) / "state.db";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  const std::string fresh = (cluster.path() / "fresh").string();
  const Output damaged = Fusord(cluster.path(), {"restore", backup, "--data", fresh});
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_NE(damaged.err.find("damaged"), std::string::npos) << damaged.err;
  // Never finished: no manifest.
  std::filesystem::remove(std::filesystem::path(backup) / "manifest.json");
  EXPECT_EQ(Fusord(cluster.path(), {"restore", backup, "--data", fresh}).exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(fresh) / "state.db"));
}

}  // namespace
}  // namespace fusor::integration
