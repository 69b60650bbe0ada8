// fusor-worker as a program: what it takes, what it leaves alone, and what is left of it when it is
// killed. Against a coordinator that says what the test tells it.

#include "tests/harness/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/base/sha256.h"
#include "tests/harness/archive_maker.h"
#include "tests/harness/http_server.h"
#include "tests/harness/wait.h"
#include "tests/unit/worker/link/fake_coordinator.h"
#include "tests/unit/worker/temp_dir.h"
#include "worker/process/proc_stat.h"

namespace fusor::agent {
namespace {

using harness::Program;
using harness::Slurp;
using harness::WaitUntil;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr double kPatience = 30;

bool Lives(pid_t pid) {
  const std::optional<ProcStat> stat = ReadProcStat(pid);
  return stat && stat->state != 'Z' && stat->state != 'X';
}

class WorkerProgramTest : public testing::Test {
 protected:
  WorkerProgramTest() {
    setenv("FUSOR_NVML_LIBRARY", FUSOR_FAKE_NVML_LIBRARY, 1);
    setenv("FUSOR_FAKE_NVML", Path("nvml").c_str(), 1);
    setenv("FUSOR_GPU_LOCKS", Path("run").c_str(), 1);
    unsetenv("CUDA_VISIBLE_DEVICES");
    unsetenv("CUDA_DEVICE_ORDER");
    std::filesystem::create_directories(Path("run"));
    std::ofstream(Path("token")) << "secret\n";
    Machine(
        "driver 580.95 13000\n"
        "gpu GPU-aaa 81920 9.0 00000000:3B:00.0 NVIDIA H200\n"
        "gpu GPU-bbb 81920 8.0 00000000:AF:00.0 NVIDIA A100-SXM4-80GB\n");
  }
  ~WorkerProgramTest() override { unsetenv("CUDA_VISIBLE_DEVICES"); }

  std::filesystem::path Path(const std::string& name) const { return dir_.path() / name; }
  void Machine(const std::string& text) const { std::ofstream(Path("nvml")) << text; }

  // Its directory is `name`, its log `name`.log.
  std::unique_ptr<Program> Worker(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {harness::Binary("fusor-worker").string(),
                                        "--coordinator",
                                        server_.address(),
                                        "--token-file",
                                        Path("token").string(),
                                        "--data",
                                        Path(name).string(),
                                        "--name",
                                        name};
    command.insert(command.end(), more.begin(), more.end());
    return std::make_unique<Program>(command, Path(name + ".log"));
  }

  // What the worker of this name said of itself when it came.
  std::optional<WorkerInfo> InfoOf(const std::string& name) const {
    std::optional<WorkerInfo> info;
    for (const WorkerMessage& message : server_.Heard()) {
      const auto* hello = std::get_if<HelloMessage>(&message);
      if (hello != nullptr && hello->info.name == name) info = hello->info;
    }
    return info;
  }
  WorkerInfo WaitForInfo(const std::string& name) const {
    EXPECT_TRUE(WaitUntil([&] { return InfoOf(name).has_value(); }, kPatience))
        << Slurp(Path(name + ".log"));
    return InfoOf(name).value_or(WorkerInfo());
  }
  static std::vector<std::string> Uuids(const WorkerInfo& info) {
    std::vector<std::string> uuids;
    for (const SlotInfo& slot : info.slots) uuids.push_back(slot.device_uuid);
    return uuids;
  }
  // Waits until it has ended of itself.
  bool Ended(Program& program) const {
    return WaitUntil([&] { return !program.Running(); }, kPatience);
  }
  pid_t WaitForPid(const std::string& name) const {
    pid_t pid = 0;
    EXPECT_TRUE(WaitUntil(
        [&] {
          std::istringstream(Slurp(Path(name))) >> pid;
          return pid > 1;
        },
        kPatience))
        << name;
    return pid;
  }
  static WelcomeMessage Welcome() {
    return {.cluster_id = "c1",
            .generation = 1,
            .lease_length = Duration(60'000),
            .heartbeat_every = Duration(20'000)};
  }
  // The first fact of this kind that was told.
  template <class What>
  std::optional<What> Told() const {
    for (const WorkerMessage& message : server_.Heard()) {
      const auto* facts = std::get_if<FactsMessage>(&message);
      if (facts == nullptr) continue;
      for (const Fact& fact : facts->facts) {
        if (const auto* what = std::get_if<What>(&fact.body)) return *what;
      }
    }
    return std::nullopt;
  }
  // An executable script; the trial of every attempt.
  std::string Script(const std::string& text) const {
    std::ofstream(Path("trial.sh")) << "#!/bin/sh\necho '{\"contract\":1}' >&3\n" << text;
    chmod(Path("trial.sh").c_str(), 0755);
    return Path("trial.sh").string();
  }

  TempDir dir_;
  FakeCoordinator server_;
};

constexpr const char* kStep =
    "echo '{\"f\":\"progress\",\"step\":3,\"steps\":9,\"phase\":\"train\"}' >&3\n";

const std::vector<std::string> kGpus = {"--device", "gpu", "--trainer", FUSOR_FAKE_TEMPLATE};

std::vector<std::string> Gpus(std::vector<std::string> more) {
  more.insert(more.end(), kGpus.begin(), kGpus.end());
  return more;
}

TEST_F(WorkerProgramTest, AgentsOnOneMachineNeverShareAGpu) {
  const auto first = Worker("first", Gpus({"--slots", "1"}));
  EXPECT_THAT(Uuids(WaitForInfo("first")), ElementsAre("GPU-aaa"));
  const auto second = Worker("second", kGpus);
  const WorkerInfo info = WaitForInfo("second");
  EXPECT_THAT(Uuids(info), ElementsAre("GPU-bbb"));
  EXPECT_THAT(info.notes, ElementsAre(testing::AllOf(HasSubstr("GPU-aaa"), HasSubstr("another"))));
  const auto third = Worker("third", kGpus);
  EXPECT_TRUE(Ended(*third));
  EXPECT_THAT(Slurp(Path("third.log")), HasSubstr("no GPU can be offered"));
  // The lock ends with its holder, however that ends.
  first->Kill();
  const auto fourth = Worker("fourth", kGpus);
  EXPECT_THAT(Uuids(WaitForInfo("fourth")), ElementsAre("GPU-aaa"));
}

TEST_F(WorkerProgramTest, WhatItInheritsIsTheOuterLimit) {
  setenv("CUDA_VISIBLE_DEVICES", "1", 1);
  setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 1);
  const auto gpus = Worker("gpus", kGpus);
  EXPECT_THAT(Uuids(WaitForInfo("gpus")), ElementsAre("GPU-bbb"));

  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int last = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &before)) last = cpu;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(last), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  const auto cpus = Worker("cpus", {"--device", "cpu", "--trial-program", "/bin/true"});
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  const WorkerInfo info = WaitForInfo("cpus");
  ASSERT_THAT(info.slots, SizeIs(1));
  EXPECT_FALSE(info.slots[0].gpu);
  EXPECT_EQ(info.slots[0].cpus, 1);
}

TEST_F(WorkerProgramTest, PartsOfAGpuAreChosenByTheirUuids) {
  Machine(
      "driver 580.95 13000\n"
      "gpu GPU-aaa 143771 9.0 00000000:3B:00.0 NVIDIA H200\n"
      "part MIG-one 18000 NVIDIA H200 MIG 1g.18gb\n"
      "part MIG-two 36000 NVIDIA H200 MIG 2g.35gb\n");
  setenv("CUDA_VISIBLE_DEVICES", "MIG-two", 1);
  const auto one = Worker("one", kGpus);
  EXPECT_THAT(Uuids(WaitForInfo("one")), ElementsAre("MIG-two"));
  unsetenv("CUDA_VISIBLE_DEVICES");
  const auto other = Worker("other", kGpus);
  EXPECT_THAT(Uuids(WaitForInfo("other")), ElementsAre("MIG-one"));
}

TEST_F(WorkerProgramTest, WhatTorchDoesNotServeIsNamedWithItsRemedy) {
  Machine(
      "driver 570.1 12080\n"
      "gpu GPU-old 16160 7.0 00000000:3B:00.0 Tesla V100-SXM2-16GB\n"
      "gpu GPU-new 81920 9.0 00000000:AF:00.0 NVIDIA H200\n");
  const auto worker = Worker("auto", {"--trainer", FUSOR_FAKE_TEMPLATE});
  const WorkerInfo info = WaitForInfo("auto");
  ASSERT_THAT(info.notes, SizeIs(2));
  for (const std::string& note : info.notes) {
    EXPECT_THAT(
        note, testing::AllOf(HasSubstr("GPU-"), HasSubstr("570.1"), HasSubstr("compute capability"),
                             HasSubstr("install a newer")));
    EXPECT_THAT(Slurp(Path("auto.log")), HasSubstr(note.substr(0, 30)));
  }
  EXPECT_FALSE(info.slots.at(0).gpu);  // processors instead
}

TEST_F(WorkerProgramTest, DataSetsAreOfferedAndTrialsAreToldWhereTheyAre) {
  for (const char* file : {"cifar-100-binary/train.bin", "cifar-100-binary/test.bin", "mine/x"}) {
    std::filesystem::create_directories((Path("data") / file).parent_path());
    std::ofstream(Path("data") / file) << file;
  }
  std::ofstream(Path("loose")) << "outside of it";
  const std::string script = Script("cp $FUSOR_JOB " + Path("job").string() + "\n");
  StartMessage start{.attempt = AttemptId{7}, .trial = "1.a.0", .slots = {0}};
  server_.SayAtStart({Welcome(), start});
  const auto worker = Worker(
      "data-worker", {"--device", "cpu", "--trial-program", script, "--datasets", Path("data")});
  const WorkerInfo info = WaitForInfo("data-worker");
  ASSERT_THAT(info.datasets, SizeIs(2));
  EXPECT_EQ(info.datasets[0].name, "cifar100");
  EXPECT_EQ(info.datasets[1].name, "mine");
  for (const DatasetInfo& dataset : info.datasets) EXPECT_THAT(dataset.fingerprint, SizeIs(64));
  ASSERT_TRUE(WaitUntil([&] { return Told<FinalFact>().has_value(); }, kPatience));
  EXPECT_THAT(Slurp(Path("job")), HasSubstr("\"datasets_dir\":\"" + Path("data").string() + "\""));
  worker->Kill();  // nobody acknowledges its facts, so it would wait

  const auto other = Worker(
      "other", {"--device", "cpu", "--trial-program", script, "--datasets", Path("nowhere")});
  EXPECT_TRUE(Ended(*other));
  EXPECT_THAT(Slurp(Path("other.log")), HasSubstr("no such directory"));
}

// A data set of one small file, as the coordinator's start message names it.
class AutoFetchTest : public WorkerProgramTest {
 protected:
  void Declare(const std::string& archive, const std::string& checksum) {
    web_.Serve("/depot/roses.tar.gz", {.body = archive});
    std::filesystem::create_directories(Path("data"));
    std::ofstream(Path("data") / "catalogue.json")
        << R"({"roses": {"address": "http://127.0.0.1:1/roses.tar.gz", "bytes": )" << archive.size()
        << R"(, "checksum": "sha256:)" << checksum << "\"}}";
  }
  std::unique_ptr<Program> FetchingWorker(const std::string& script) {
    server_.SayAtStart(
        {Welcome(),
         StartMessage{
             .attempt = AttemptId{7}, .trial = "1.a.0", .dataset = "roses", .slots = {0}}});
    return Worker("fetching",
                  {"--device", "cpu", "--trial-program", script, "--datasets", Path("data"),
                   "--auto-fetch", "--fetch-from", web_.Address("/depot")});
  }
  // What the worker said last of its data set.
  DatasetInfo Roses() const {
    DatasetInfo roses;
    for (const WorkerMessage& message : server_.Heard()) {
      const WorkerInfo* info = nullptr;
      if (const auto* hello = std::get_if<HelloMessage>(&message)) info = &hello->info;
      if (const auto* changed = std::get_if<InfoMessage>(&message)) info = &changed->info;
      if (info == nullptr) continue;
      for (const DatasetInfo& each : info->datasets) {
        if (each.name == "roses") roses = each;
      }
    }
    return roses;
  }

  harness::HttpServer web_;
};

TEST_F(AutoFetchTest, ADataSetIsFetchedBeforeItsTrialStartsAndOfferedAfterwards) {
  const std::string archive = harness::MakeArchive({{"top/rose.bin", "red"}});
  Declare(archive, Sha256Hex(archive));
  const auto worker = FetchingWorker(
      Script("cp " + Path("data").string() + "/roses/rose.bin " + Path("seen").string() + "\n"));
  const WorkerInfo info = WaitForInfo("fetching");
  ASSERT_THAT(info.datasets, SizeIs(3));  // with those that Fusor knows
  for (const DatasetInfo& each : info.datasets) EXPECT_FALSE(each.here()) << each.name;
  EXPECT_EQ(info.datasets[2].archive, "sha256:" + Sha256Hex(archive));
  ASSERT_TRUE(WaitUntil([&] { return Roses().here(); }, kPatience)) << Slurp(Path("fetching.log"));
  EXPECT_EQ(Roses().archive, "sha256:" + Sha256Hex(archive));
  EXPECT_TRUE(WaitUntil([&] { return Slurp(Path("seen")) == "red"; }, kPatience));
  worker->Kill();
}

TEST_F(AutoFetchTest, ADataSetThatCannotBeFetchedEndsItsTrialAsBadData) {
  const std::string archive = harness::MakeArchive({{"top/rose.bin", "red"}});
  Declare(archive, Sha256Hex("another"));
  const auto worker = FetchingWorker(Script("exit 0\n"));
  ASSERT_TRUE(WaitUntil([&] { return Told<FinalFact>().has_value(); }, kPatience))
      << Slurp(Path("fetching.log"));
  const Outcome outcome = Told<FinalFact>()->outcome;
  EXPECT_EQ(outcome.failure, Failure::kBadData);
  EXPECT_THAT(outcome.detail, HasSubstr("data set roses could not be fetched: roses from " +
                                        web_.Address("/depot/roses.tar.gz")));
  EXPECT_THAT(outcome.detail, HasSubstr("expected " + Sha256Hex("another")));
  EXPECT_FALSE(Roses().here());
  worker->Kill();
}

TEST_F(WorkerProgramTest, ItsDirectoryIsItsOwn) {
  const std::vector<std::string> options = {"--device", "cpu", "--trial-program", "/bin/true"};
  const auto first = Worker("same", options);
  WaitForInfo("same");
  const auto second = Worker("same", options);
  EXPECT_TRUE(Ended(*second));
  EXPECT_TRUE(first->Running());
  EXPECT_THAT(Slurp(Path("same.log")), HasSubstr("another fusor-worker uses it"));
}

// The trial has a child in its group and one that left it; the agent is killed.
TEST_F(WorkerProgramTest, NothingIsLeftOfAKilledAgentsTrials) {
  const std::string root = dir_.path().string();
  const std::string script = Script(std::string(kStep) + "setsid sh -c 'echo $$ > " + root +
                                    "/left; exec sleep 1000' &\n" + "sleep 1000 & echo $! > " +
                                    root + "/stayed\n" + "echo $$ > " + root + "/trial\nwait\n");
  StartMessage start{.attempt = AttemptId{7}, .trial = "1.a.0", .slots = {0}};
  server_.SayAtStart({Welcome(), start});
  const std::vector<std::string> options = {"--device", "cpu", "--trial-program", script};
  auto worker = Worker("agent", options);
  const pid_t trial = WaitForPid("trial");
  const pid_t left = WaitForPid("left");
  const pid_t stayed = WaitForPid("stayed");
  ASSERT_TRUE(Lives(left));
  ASSERT_TRUE(WaitUntil([&] { return Told<ProgressFact>().has_value(); }, kPatience));
  worker->Kill();
  EXPECT_TRUE(WaitUntil([&] { return !Lives(trial); }, kPatience));

  worker = Worker("agent", options);
  EXPECT_TRUE(WaitUntil([&] { return !Lives(left) && !Lives(stayed); }, kPatience))
      << Slurp(Path("agent.log"));
  // And the attempt is told as lost.
  ASSERT_TRUE(WaitUntil([&] { return Told<FinalFact>().has_value(); }, kPatience))
      << Slurp(Path("agent.log"));
  EXPECT_EQ(Told<FinalFact>()->outcome.failure, Failure::kLost);
  EXPECT_TRUE(std::filesystem::is_empty(Path("agent/attempts")));
  worker->Kill();  // nobody acknowledges its facts, so it would wait
}

// Facts that may wait for others are not held back for ever when no others come.
TEST_F(WorkerProgramTest, WhatIsNotUrgentIsToldAllTheSame) {
  const std::string script = Script(
      "echo '{\"f\":\"started\",\"resumed_from_step\":0,\"bit_exact\":true,\"info\":{}}' >&3\n"
      "read line <&4\n");
  StartMessage start{.attempt = AttemptId{7}, .trial = "1.a.0", .slots = {0}};
  server_.SayAtStart({Welcome(), start});
  const auto worker = Worker("agent", {"--device", "cpu", "--trial-program", script});
  EXPECT_TRUE(WaitUntil([&] { return Told<StartedFact>().has_value(); }, kPatience))
      << Slurp(Path("agent.log"));
  worker->Kill();  // nobody acknowledges its facts, so it would wait
}

// It says nothing for longer than it may, does not hear, and ignores TERM: KILL ends it, and what
// it had said last is told.
TEST_F(WorkerProgramTest, AHungTrialIsBroughtToAnEndAndItsLastLinesAreKept) {
  const std::string script = Script(
      "trap '' TERM\n"
      "i=1; while [ $i -le 80 ]; do echo line $i; i=$((i+1)); done\n" +
      std::string(kStep) + "while true; do sleep 1000; done\n");
  StartMessage start{
      .attempt = AttemptId{7}, .trial = "1.a.0", .slots = {0}, .hang_timeout = Duration(300)};
  server_.SayAtStart({Welcome(), start});
  const auto worker = Worker("agent", {"--device", "cpu", "--trial-program", script});
  ASSERT_TRUE(WaitUntil([&] { return Told<FinalFact>().has_value(); }, kPatience))
      << Slurp(Path("agent.log"));
  const FinalFact final = *Told<FinalFact>();
  EXPECT_EQ(final.outcome.failure, Failure::kHung);
  EXPECT_THAT(final.outcome.detail, HasSubstr("no progress for"));
  EXPECT_EQ(final.step, 3);
  ASSERT_THAT(final.log_tail, SizeIs(50));
  EXPECT_EQ(final.log_tail.front(), "line 31");
  EXPECT_EQ(final.log_tail.back(), "line 80");
  worker->Kill();  // nobody acknowledges its facts, so it would wait
}

}  // namespace
}  // namespace fusor::agent
