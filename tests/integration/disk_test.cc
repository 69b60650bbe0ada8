// What disks and databases do to a daemon and to an agent: full, locked, damaged, too new.

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "proto/fusor/v1/sweep_service.pb.h"
#include "tests/harness/wait.h"
#include "tests/integration/any_call.h"
#include "tests/integration/cluster.h"
#include "tests/integration/full_disk.h"
#include "tests/integration/net.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

// `steps` of 10 ms with a point each.
std::string Probe(int steps, const std::string& params = "", const std::string& rest = "") {
  return "name: probe\nobjective: {metric: val/accuracy, goal: maximize}\n"
         "resources: {device: cpu}\n"
         "stages:\n  s:\n    recipe: probe\n    params: {step_ms: 10, steps: " +
         std::to_string(steps) + params + "}\n" + rest;
}

HttpAnswer Health(Cluster& cluster) { return HttpGet(cluster.daemon().http(), "/healthz"); }

bool WaitHealth(Cluster& cluster, int status, double seconds = 30) {
  return WaitUntil([&] { return Health(cluster).status == status; }, seconds);
}

// 1 = SERVING, 2 = NOT_SERVING.
std::string GrpcHealth(Cluster& cluster) {
  std::string answer;
  const grpc::Status status =
      CallAnything(cluster.daemon().address(), "/grpc.health.v1.Health/Check",
                   cluster.daemon().token(), "", &answer);
  return status.ok() && answer.size() == 2 ? std::to_string(answer[1]) : status.error_message();
}

grpc::Status Submit(Cluster& cluster, const std::string& yaml, const std::string& request_id) {
  v1::SubmitRequest request;
  request.set_request_id(request_id);
  request.set_source(yaml);
  return CallAnything(cluster.daemon().address(), "/fusor.v1.SweepService/Submit",
                      cluster.daemon().token(), request.SerializeAsString());
}

std::string StepsStored(const Cluster& cluster, int sweep) {
  return cluster.Sql("metrics.db",
                     "SELECT count(*) || ' ' || count(DISTINCT step) FROM trial_point WHERE name = "
                     "'train/loss' AND NOT superseded AND sweep = " +
                         std::to_string(sweep));
}

bool WaitProgress(const Cluster& cluster, int steps) {
  return WaitUntil(
      [&] {
        return std::atoi(cluster.Sql("metrics.db", "SELECT max(step) FROM progress").c_str()) >=
               steps;
      },
      60);
}

// The daemon says in every place that it does not serve, and takes nothing.
void ExpectStands(Cluster& cluster, const std::string& database) {
  ASSERT_TRUE(WaitHealth(cluster, 503)) << cluster.Log();
  const HttpAnswer health = Health(cluster);
  EXPECT_NE(health.body.find(database), std::string::npos) << health.body;
  EXPECT_EQ(GrpcHealth(cluster), "2");
  EXPECT_TRUE(cluster.daemon().program().Running());
  EXPECT_EQ(Submit(cluster, Probe(1), "while-full").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(
      WaitUntil([&] { return cluster.Log().find("level=error") != std::string::npos; }, 10));
  EXPECT_NE(cluster.Log().find(database + ": "), std::string::npos) << cluster.Log();
  const HttpAnswer metrics = HttpGet(cluster.daemon().http(), "/metrics", cluster.daemon().token());
  EXPECT_NE(metrics.body.find("fusor_serving 0"), std::string::npos) << metrics.body;
  // Reads go on.
  EXPECT_EQ(cluster.Fusor({"ls"}).exit_code, 0);
}

void ExpectServes(Cluster& cluster) {
  EXPECT_TRUE(WaitHealth(cluster, 200)) << Health(cluster).body << cluster.Log();
  EXPECT_TRUE(WaitUntil([&] { return GrpcHealth(cluster) == "1"; }, 10));
}

void ExpectVerified(Cluster& cluster) {
  const Output verified =
      Fusord(cluster.path(), {"verify", "--deep", "--data", cluster.data().string()});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

struct Where {
  const char* database;
  bool sync;  // the write goes through, its sync does not
};

// A trial runs and reports the whole time; nothing of it is lost and nothing counts twice.
void FillAndFree(const Where& where) {
  harness::Folder folder;
  const FullDisk disk(folder.path());
  Cluster cluster({"--lease", "2s", "--heartbeat", "200ms"});
  const auto agent = cluster.StartAgent("a", 1);
  // Longer than it takes to see everything, and evaluations and checkpoints on the way.
  const std::string sweep = cluster.Submit(Probe(600, ", checkpoint_every: 50"));
  ASSERT_TRUE(WaitProgress(cluster, 20)) << agent->Log();
  where.sync ? disk.FailSync(where.database) : disk.Fill(where.database);
  // state.db is written when something happens to it.
  if (std::string(where.database) == "state.db") {
    (void)Submit(cluster, Probe(3), "meanwhile");
  }
  ExpectStands(cluster, where.database);
  const std::string sweeps = cluster.Sql("state.db", "SELECT count(*) FROM sweep");
  EXPECT_EQ(sweeps, "1");
  disk.Free();
  ExpectServes(cluster);
  EXPECT_TRUE(Submit(cluster, Probe(3), "meanwhile").ok());
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << agent->Log() << cluster.Log();
  ASSERT_TRUE(cluster.WaitEnded("2", 1, 60)) << agent->Log() << cluster.Log();
  EXPECT_EQ(StepsStored(cluster, 1), "600 600");
  EXPECT_EQ(StepsStored(cluster, 2), "3 3");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM sweep"), "2");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT group_concat(DISTINCT state) FROM trial"), "succeeded");
  // Lease time stood still: nobody lost anything.
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "2");
  ExpectVerified(cluster);
}

TEST(Disk, StateFull) { FillAndFree({"state.db", false}); }
TEST(Disk, StateCannotBeSynced) { FillAndFree({"state.db", true}); }
TEST(Disk, MetricsFull) { FillAndFree({"metrics.db", false}); }
TEST(Disk, MetricsCannotBeSynced) { FillAndFree({"metrics.db", true}); }

// The kernel's own word for it: a file that may not grow, for the whole process.
TEST(Disk, FileSizeLimit) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(Probe(300));
  ASSERT_TRUE(WaitProgress(cluster, 10)) << agent->Log();
  const pid_t daemon = cluster.daemon().program().pid();
  rlimit before{};
  const rlimit full{.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
  ASSERT_EQ(::prlimit(daemon, RLIMIT_FSIZE, &full, &before), 0);
  ASSERT_TRUE(WaitHealth(cluster, 503)) << cluster.Log();
  (void)Submit(cluster, Probe(3), "late");
  EXPECT_EQ(GrpcHealth(cluster), "2");
  ASSERT_EQ(::prlimit(daemon, RLIMIT_FSIZE, &before, nullptr), 0);
  ExpectServes(cluster);
  EXPECT_TRUE(Submit(cluster, Probe(3), "late").ok());
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << agent->Log() << cluster.Log();
  ASSERT_TRUE(cluster.WaitEnded("2", 1, 60)) << agent->Log() << cluster.Log();
  EXPECT_EQ(StepsStored(cluster, 1), "300 300");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM sweep"), "2");
  ExpectVerified(cluster);
}

TEST(Disk, StopsInOrderWhileItCannotWriteAndKilledItLosesNothing) {
  harness::Folder folder;
  const FullDisk disk(folder.path());
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(Probe(1'500, ", checkpoint_every: 50"));
  ASSERT_TRUE(WaitProgress(cluster, 20)) << agent->Log();
  disk.Fill(cluster.data().string() + "/");
  ASSERT_TRUE(WaitHealth(cluster, 503)) << cluster.Log();
  cluster.daemon().program().Signal(SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return !cluster.daemon().program().Running(); }, 30))
      << cluster.Log();
  disk.Free();
  cluster.RestartDaemon();
  ASSERT_TRUE(WaitProgress(cluster, 100)) << agent->Log();
  disk.Fill(cluster.data().string() + "/");
  ASSERT_TRUE(WaitHealth(cluster, 503)) << cluster.Log();
  cluster.KillDaemon();
  disk.Free();
  cluster.RestartDaemon();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << agent->Log() << cluster.Log();
  EXPECT_EQ(StepsStored(cluster, 1), "1500 1500");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM trial"), "succeeded");
  ExpectVerified(cluster);
}

// Checkpoints and models cannot be stored: they wait at the agent, training goes on.
TEST(Disk, NoRoomForUploads) {
  harness::Folder folder;
  const FullDisk disk(folder.path());
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  disk.Fill("/uploads/");
  const std::string sweep = cluster.Submit(Probe(200, ", checkpoint_every: 20"));
  ASSERT_TRUE(WaitUntil([&] { return StepsStored(cluster, 1) == "200 200"; }, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM artifact"), "0");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM trial"), "running");
  EXPECT_EQ(Health(cluster).status, 200);
  disk.Free();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << agent->Log() << cluster.Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM trial"), "succeeded");
  EXPECT_NE(cluster.Sql("state.db", "SELECT count(*) FROM artifact WHERE kind = 'model'"), "0");
  EXPECT_EQ(StepsStored(cluster, 1), "200 200");
  ExpectVerified(cluster);
}

// The agent's disk: what its trial says has no place, so the trial waits, and is not called hung.
TEST(Disk, AgentFullHoldsItsTrialBack) {
  harness::Folder folder;
  const FullDisk disk(folder.path());
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep =
      cluster.Submit(Probe(1'500, ", checkpoint_every: 100", "hang_timeout: 2s\n"));
  ASSERT_TRUE(WaitProgress(cluster, 20)) << agent->Log();
  disk.Fill("/a/spool/");
  ASSERT_TRUE(WaitUntil([&] { return agent->Log().find("disk_refuses") != std::string::npos; }, 30))
      << agent->Log();
  ASSERT_FALSE(agent->Trials().empty());
  const pid_t trial = agent->Trials().front();
  // It stands still when its pipe is full or its next word needs an answer: longer than a hang may
  // take.
  const double full = harness::NowSeconds();
  EXPECT_FALSE(
      WaitUntil([&] { return agent->Trials().empty() || harness::NowSeconds() - full > 6; }, 5));
  EXPECT_EQ(::kill(trial, 0), 0) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM attempt"), "running");
  disk.Free();
  EXPECT_TRUE(
      WaitUntil([&] { return agent->Log().find("disk_writes_again") != std::string::npos; }, 30))
      << agent->Log();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM trial"), "succeeded") << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "1") << agent->Log();
  EXPECT_EQ(StepsStored(cluster, 1), "1500 1500");
}

// Any SQLite tool may hold the file: that delays, nothing fails.
void LockAndLetGo(const std::string& database) {
  Cluster cluster({"--lease", "2s", "--heartbeat", "200ms"});
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(Probe(600, ", checkpoint_every: 50"));
  ASSERT_TRUE(WaitProgress(cluster, 20)) << agent->Log();
  sqlite3* foreign = nullptr;
  ASSERT_EQ(sqlite3_open((cluster.data() / database).c_str(), &foreign), SQLITE_OK);
  sqlite3_busy_timeout(foreign, 10'000);
  ASSERT_EQ(sqlite3_exec(foreign, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  if (database == "state.db") (void)Submit(cluster, Probe(3), "meanwhile");
  ExpectStands(cluster, database);
  ASSERT_EQ(sqlite3_exec(foreign, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(foreign);
  ExpectServes(cluster);
  EXPECT_TRUE(Submit(cluster, Probe(3), "meanwhile").ok());
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 120)) << agent->Log();
  ASSERT_TRUE(cluster.WaitEnded("2", 1, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "2");
  EXPECT_EQ(StepsStored(cluster, 1), "600 600");
}

TEST(Disk, ForeignLockOnStateDelays) { LockAndLetGo("state.db"); }
TEST(Disk, ForeignLockOnMetricsDelays) { LockAndLetGo("metrics.db"); }

// A start that is refused: one line that names the file and says what to do, exit 1, and the files
// as they were.
class Refused : public testing::Test {
 protected:
  Refused() {
    cluster_.daemon().program().Signal(SIGTERM);
    EXPECT_TRUE(WaitUntil([&] { return !cluster_.daemon().program().Running(); }, 30));
  }

  Output Start() const {
    return Fusord(cluster_.path(), {"--data", cluster_.data().string(), "--listen", "127.0.0.1:0",
                                    "--http", "127.0.0.1:0"});
  }

  void Expect(const std::string& file, const std::string& reason, const std::string& remedy) {
    const std::string before = harness::Slurp(cluster_.data() / file);
    const Output refused = Start();
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
    for (const std::string& word : {file, reason, remedy}) {
      EXPECT_NE(refused.err.find(word), std::string::npos) << refused.err;
    }
    EXPECT_EQ(harness::Slurp(cluster_.data() / file), before);
  }

  void Execute(const std::string& file, const std::string& sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((cluster_.data() / file).c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }

  void Overwrite(const std::string& file, std::streamoff offset, const std::string& bytes) const {
    std::fstream stream(cluster_.data() / file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(offset);
    stream << bytes;
  }

  Cluster cluster_;
};

TEST_F(Refused, NewerSchema) {
  for (const char* file : {"metrics.db", "state.db"}) {
    Execute(file, "PRAGMA user_version = 999");
    Expect(file, "schema version 999", "newer fusord");
  }
}

TEST_F(Refused, NoDatabaseAtAll) {
  for (const char* file : {"metrics.db", "state.db"}) {
    Overwrite(file, 0, std::string(4096, 'x'));
    Expect(file, "damaged", "restore");
  }
}

TEST_F(Refused, ForeignDatabase) {
  for (const char* file : {"metrics.db", "state.db"}) {
    Execute(file, "PRAGMA application_id = 7");
    Expect(file, "another program", "--data");
  }
}

TEST_F(Refused, DamagedPagesAfterAnUncleanStop) {
  Execute("state.db", "UPDATE meta SET value = '0' WHERE key = 'clean_stop'");
  const auto size =
      static_cast<std::streamoff>(std::filesystem::file_size(cluster_.data() / "state.db"));
  for (std::streamoff page = 8192; page < size; page += 8192) {
    Overwrite("state.db", page, std::string(600, '\x5a'));
  }
  Expect("state.db", "damaged", "restore");
}

TEST_F(Refused, LockedByAnotherDaemon) {
  cluster_.RestartDaemon();
  const std::string pid = std::to_string(cluster_.daemon().program().pid());
  const Output refused = Start();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
  EXPECT_NE(refused.err.find(pid), std::string::npos) << refused.err;
  EXPECT_EQ(cluster_.Fusor({"ls"}).exit_code, 0);
}

TEST_F(Refused, LockedByAnotherProgram) {
  sqlite3* foreign = nullptr;
  ASSERT_EQ(sqlite3_open((cluster_.data() / "state.db").c_str(), &foreign), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(foreign, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  Expect("state.db", "locked", "start again");
  sqlite3_close(foreign);
  cluster_.RestartDaemon();
  EXPECT_EQ(cluster_.Fusor({"ls"}).exit_code, 0);
}

}  // namespace
}  // namespace fusor::integration
