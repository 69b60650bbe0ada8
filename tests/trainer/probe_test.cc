// The probe recipe through the real program: every failure told apart, every command obeyed, every
// interruption made good.

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>

#include "tests/trainer/agent.h"

namespace fusor::testing {
namespace {

class ProbeTest : public ::testing::Test {
 protected:
  Trial Spawn(const std::string& config, const std::string& folder = "a", int number = 1,
              const std::string& more = "", long long data_limit_bytes = 0) {
    return agent_.Spawn(
        {.config = config, .number = number, .more = more, .data_limit_bytes = data_limit_bytes},
        Folder(folder));
  }
  std::string Folder(const std::string& name) const { return root_.path() + "/" + name; }

  Agent agent_;
  TemporaryDirectory root_;
};

std::string Fault(const std::string& kind) {
  return R"({"steps":10,"matrix":8,"fault":")" + kind + R"(","fault_step":3})";
}

std::string FailureKind(const Trial& trial) {
  auto failures = trial.Facts("failure");
  return failures.size() == 1 ? failures[0].Find("kind")->text : "";
}

TEST_F(ProbeTest, OnlyTheFirstRankReportsWhatTheTrialMade) {
  Trial trial = Spawn(R"({"steps":20,"checkpoint_every":5})", "a", 1, R"(,"rank":1,"world":2)");
  EXPECT_EQ(trial.Finish().code, 0);
  EXPECT_EQ(trial.Facts("started").size(), 1u);
  EXPECT_FALSE(trial.Facts("progress").empty());
  EXPECT_EQ(trial.Facts("final").size(), 1u);
  EXPECT_TRUE(trial.Points().empty());
  for (const char* kind : {"metrics", "columns", "evaluation", "checkpoint", "artifact"}) {
    EXPECT_TRUE(trial.Facts(kind).empty()) << kind;
  }
}

TEST_F(ProbeTest, CrashIsASignal) {
  Trial trial = Spawn(Fault("crash"));
  Exit exit = trial.Finish();
  EXPECT_TRUE(exit.signaled);
  EXPECT_EQ(exit.code, SIGSEGV);
  EXPECT_TRUE(trial.Facts("final").empty());
  EXPECT_TRUE(trial.Facts("failure").empty());
}

TEST_F(ProbeTest, ExitIsAStatusWithoutAFinalFact) {
  Trial trial = Spawn(Fault("exit"));
  EXPECT_EQ(trial.Finish().code, 17);
  EXPECT_TRUE(trial.Facts("final").empty());
  EXPECT_TRUE(trial.Facts("failure").empty());
}

TEST_F(ProbeTest, ThrowIsAnException) {
  Trial trial = Spawn(Fault("throw"));
  EXPECT_EQ(trial.Finish().code, 1);
  EXPECT_EQ(FailureKind(trial), "crashed(exception)");
  EXPECT_NE(trial.Facts("failure")[0].Find("detail")->text.find("step 3"), std::string::npos);
}

TEST_F(ProbeTest, NanLossDiverges) {
  Trial trial = Spawn(Fault("nan"));
  EXPECT_EQ(trial.Finish().code, 1);
  EXPECT_EQ(FailureKind(trial), "diverged");
}

TEST_F(ProbeTest, NanLossIsPassedOverOnRequest) {
  Trial trial = Spawn(R"({"steps":10,"fault":"nan","fault_step":3,"on_nonfinite":"continue"})");
  EXPECT_EQ(trial.Finish().code, 0);
  auto loss = trial.Points()["train/loss"];
  ASSERT_EQ(loss.size(), 10u);
  EXPECT_TRUE(std::isnan(loss[4]));
  EXPECT_FALSE(std::isnan(loss[5]));
}

TEST_F(ProbeTest, TooLargeARateDiverges) {
  Trial trial = Spawn(R"({"steps":1000,"matrix":16,"learning_rate":50})");
  EXPECT_EQ(trial.Finish().code, 1);
  EXPECT_EQ(FailureKind(trial), "diverged");
}

TEST_F(ProbeTest, MemoryBeyondTheLimitIsOutOfMemoryAndSaysThePeak) {
  Trial trial = Spawn(Fault("oom"), "a", 1, "", 256 << 20);
  EXPECT_EQ(trial.Finish().code, 1);
  EXPECT_EQ(FailureKind(trial), "out_of_memory(host)");
  EXPECT_NE(trial.Facts("failure")[0].Find("detail")->text.find("peak "), std::string::npos);
}

TEST_F(ProbeTest, HangMakesNoProgressAndHearsNothing) {
  Trial trial = Spawn(Fault("hang"));
  trial.WaitFor("progress", "step", 1);
  // Nothing else in these steps sleeps.
  ASSERT_TRUE(Eventually([&] { return ProcStatus(trial.pid(), "State")[0] == 'S'; }));
  trial.Send("abort");
  trial.Signal(SIGTERM);
  trial.Signal(SIGKILL);
  Exit exit = trial.Finish();
  EXPECT_TRUE(exit.signaled);
  EXPECT_EQ(exit.code, SIGKILL);
  EXPECT_TRUE(trial.Facts("final").empty());
}

TEST_F(ProbeTest, FaultOnlyInTheFirstAttempts) {
  const std::string config = R"({"steps":5,"fault":"throw","fault_step":2,"fault_attempts":2})";
  EXPECT_EQ(Spawn(config, "a", 1).Finish().code, 1);
  EXPECT_EQ(Spawn(config, "b", 2).Finish().code, 1);
  EXPECT_EQ(Spawn(config, "c", 3).Finish().code, 0);
}

TEST_F(ProbeTest, FaultWithoutSteps) {
  EXPECT_EQ(Spawn(R"({"steps":0,"fault":"exit"})").Finish().code, 17);
}

TEST_F(ProbeTest, UnreadableJobIsRefusedWithItsReason) {
  Trial trial = Spawn(R"({"stepz":3,"matrix":-1})");
  EXPECT_EQ(trial.Finish().code, 2);
  const std::string detail = trial.Facts("failure")[0].Find("detail")->text;
  EXPECT_NE(detail.find("stepz"), std::string::npos);
  EXPECT_NE(detail.find("matrix"), std::string::npos);
}

// So that nothing outside the worker's data sets can be named.
TEST_F(ProbeTest, ADataSetIsANameNotAPath) {
  for (const char* path : {"../../etc", "/etc", "cifar10/..", "./cifar10"}) {
    Trial trial = Spawn(R"({"steps":1,"data":")" + std::string(path) + "\"}",
                        "a" + std::to_string(std::string(path).size()));
    EXPECT_EQ(trial.Finish().code, 2) << path;
    EXPECT_NE(trial.Facts("failure")[0].Find("detail")->text.find("data"), std::string::npos);
  }
}

TEST_F(ProbeTest, PrecisionOfAGpuIsRefusedOnACpu) {
  Trial trial = Spawn(R"({"steps":3,"precision":"fp16"})");
  EXPECT_EQ(trial.Finish().code, 1);
  EXPECT_NE(trial.Facts("failure")[0].Find("detail")->text.find("fp16"), std::string::npos);
}

TEST_F(ProbeTest, PrecisionUsedReplacesTheConfigured) {
  Trial trial = Spawn(R"({"steps":3,"precision":"fp16"})", "a", 1, R"(,"precision_used":"bf16")");
  EXPECT_EQ(trial.Finish().code, 0);
  EXPECT_EQ(trial.Facts("started")[0].Find("info")->Find("precision")->text, "bf16");
}

TEST_F(ProbeTest, CheckpointOnRequestGoesOn) {
  Trial trial = Spawn(R"({"steps":1000000,"step_ms":1})");
  trial.WaitFor("progress", "step", 1);
  trial.Send("checkpoint");
  const Json checkpoint = trial.WaitFor("checkpoint");
  const long long step = checkpoint.Find("step")->integer;
  EXPECT_TRUE(Exists(Folder("a/" + checkpoint.Find("files")->items.at(0).text)));
  trial.WaitFor("progress", "step", static_cast<double>(step) + 1);
  trial.Send("finish_early");
  EXPECT_EQ(trial.Finish().code, 0);
}

TEST_F(ProbeTest, FinishEarlyEvaluatesAndSaves) {
  Trial trial = Spawn(R"({"steps":1000000,"step_ms":1})");
  trial.WaitFor("progress", "step", 1);
  trial.Send("finish_early");
  EXPECT_EQ(trial.Finish().code, 0);
  EXPECT_EQ(trial.facts().back().Find("outcome")->text, "succeeded");
  const long long step = trial.facts().back().Find("step")->integer;
  EXPECT_LT(step, 1'000'000);
  ASSERT_EQ(trial.Facts("evaluation").size(), 1u);
  EXPECT_EQ(trial.Facts("evaluation")[0].Find("step")->integer, step);
  EXPECT_TRUE(Exists(Folder("a/last/model.safetensors")));
}

TEST_F(ProbeTest, EndsEarlyWhenItGetsNoBetterAndSaysSo) {
  // Evaluated after every 10 steps; nothing is better by that much.
  Trial trial = Spawn(R"({"steps":100,"early_stop":2,"early_stop_min_delta":1000})");
  EXPECT_EQ(trial.Finish().code, 0);
  const Json& last = trial.facts().back();
  EXPECT_EQ(last.Find("outcome")->text, "succeeded");
  EXPECT_EQ(last.Find("step")->integer, 30);
  EXPECT_EQ(last.Find("detail")->text.find("stopped early: val/loss was not below "), 0u);
  EXPECT_EQ(trial.Facts("evaluation").size(), 3u);
  EXPECT_TRUE(Exists(Folder("a/last/model.safetensors")));
}

TEST_F(ProbeTest, AbortWritesNothing) {
  Trial trial = Spawn(R"({"steps":1000000,"step_ms":1})");
  trial.WaitFor("progress", "step", 1);
  trial.Send("abort");
  EXPECT_EQ(trial.Finish().code, 3);
  EXPECT_TRUE(trial.Facts("final").empty());
  EXPECT_FALSE(Exists(Folder("a/checkpoint")));
}

TEST_F(ProbeTest, EndOfTheCommandsMeansTheAgentIsGone) {
  Trial trial = Spawn(R"({"steps":1000000,"step_ms":3600000})");
  trial.WaitFor("started");
  trial.CloseCommands();
  EXPECT_EQ(trial.Finish().code, 3);
}

TEST_F(ProbeTest, StopRequestsReleaseAtACheckpoint) {
  for (const bool by_signal : {false, true}) {
    const std::string folder = by_signal ? "signal" : "command";
    Trial trial = Spawn(R"({"steps":1000000,"step_ms":1})", folder);
    trial.WaitFor("progress", "step", 1);
    if (by_signal) {
      trial.Signal(SIGTERM);
    } else {
      trial.Send("checkpoint_and_stop");
    }
    EXPECT_EQ(trial.Finish().code, 0);
    const Json& last = trial.facts().back();
    EXPECT_EQ(last.Find("f")->text, "final");
    EXPECT_EQ(last.Find("outcome")->text, "released");
    ASSERT_EQ(trial.Facts("checkpoint").size(), 1u);
    EXPECT_EQ(trial.Facts("checkpoint")[0].Find("step")->integer, last.Find("step")->integer);
  }
}

TEST_F(ProbeTest, GarbageOnTheCommandsIsPassedOver) {
  Trial trial = Spawn(R"({"steps":1000000,"step_ms":1})");
  trial.WaitFor("progress", "step", 1);
  trial.Send("no such command");
  trial.Send("\"}\n[1,2]\nnull\n{\"d\":\"");
  trial.Send("finish_early");
  EXPECT_EQ(trial.Finish().code, 0);
}

TEST_F(ProbeTest, MetricsAreCompleteHoweverFastTheyCome) {
  Trial trial = Spawn(R"({"steps":3000,"metrics_per_step":20})");
  EXPECT_EQ(trial.Finish().code, 0);
  auto points = trial.Points();
  ASSERT_TRUE(points.contains("probe/m19"));
  for (const char* name : {"train/loss", "probe/m1", "probe/m19"}) {
    ASSERT_EQ(points[name].size(), 3000u) << name;
    EXPECT_EQ(points[name].begin()->first, 1);
    EXPECT_EQ(points[name].rbegin()->first, 3000);
  }
}

TEST_F(ProbeTest, PointsPrecedeTheCheckpointThatHoldsThem) {
  Trial trial = Spawn(R"({"steps":200,"checkpoint_every":50})");
  EXPECT_EQ(trial.Finish().code, 0);
  long long newest = 0;
  int checkpoints = 0;
  for (const Json& fact : trial.facts()) {
    if (fact.Find("f")->text == "columns") newest = fact.Find("steps")->items.back().integer;
    if (fact.Find("f")->text != "checkpoint") continue;
    ++checkpoints;
    EXPECT_EQ(newest, fact.Find("step")->integer);
  }
  EXPECT_EQ(checkpoints, 3);
}

TEST_F(ProbeTest, CheckpointsByTime) {
  Trial trial = Spawn(R"({"steps":1000000,"step_ms":1})", "a", 1,
                      R"(,"checkpoint":{"every_steps":0,"every_ms":20})");
  trial.WaitFor("checkpoint");
  trial.WaitFor("checkpoint", "step", 20);
  trial.Send("abort");
  trial.Finish();
}

// kill -9, then on from the newest checkpoint in another directory: same weights, same series.
TEST_F(ProbeTest, ResumedRunEqualsStraightRun) {
  const std::string config =
      R"({"steps":400,"matrix":24,"step_ms":2,"seed":5,"checkpoint_every":20})";
  Trial straight = Spawn(config, "straight");
  EXPECT_EQ(straight.Finish().code, 0);

  Trial killed = Spawn(config, "killed");
  killed.WaitFor("checkpoint", "step", 40);
  killed.Signal(SIGKILL);
  EXPECT_TRUE(killed.Finish().signaled);
  const Json checkpoint = killed.Facts("checkpoint").back();
  const long long step = checkpoint.Find("step")->integer;
  ASSERT_LT(step, 400);

  Trial resumed = Spawn(config, "resumed", 2, ResumeText(Folder("killed"), checkpoint));
  EXPECT_EQ(resumed.Finish().code, 0);
  EXPECT_EQ(resumed.Facts("started")[0].Find("resumed_from_step")->integer, step);
  EXPECT_TRUE(resumed.Facts("started")[0].Find("bit_exact")->flag);
  EXPECT_EQ(ReadAll(Folder("resumed/last/model.safetensors")),
            ReadAll(Folder("straight/last/model.safetensors")));
  EXPECT_EQ(ReadAll(Folder("resumed/log.csv")), ReadAll(Folder("straight/log.csv")));
  auto expected = straight.Points();
  auto series = resumed.Points();
  for (auto& [name, points] : expected) {
    if (name.starts_with("system/")) continue;  // wall time
    points.erase(points.begin(), points.upper_bound(step));
    EXPECT_EQ(series[name], points) << name;
  }
}

TEST_F(ProbeTest, ResumeWithOtherThreadsIsMarked) {
  const std::string config = R"({"steps":30,"checkpoint_every":10})";
  Trial first = Spawn(config, "a");
  EXPECT_EQ(first.Finish().code, 0);
  Trial second =
      Spawn(config, "b", 2,
            R"(,"threads":2)" + ResumeText(Folder("a"), first.Facts("checkpoint").back()));
  EXPECT_EQ(second.Finish().code, 0);
  EXPECT_FALSE(second.Facts("started")[0].Find("bit_exact")->flag);
}

TEST_F(ProbeTest, DamagedOrForeignCheckpointIsRefused) {
  const std::string config = R"({"steps":30,"checkpoint_every":10})";
  Trial first = Spawn(config, "a");
  EXPECT_EQ(first.Finish().code, 0);
  const Json checkpoint = first.Facts("checkpoint").back();
  const std::string resume = ResumeText(Folder("a"), checkpoint);

  Trial foreign = Spawn(R"({"steps":31,"checkpoint_every":10})", "b", 2, resume);
  EXPECT_EQ(foreign.Finish().code, 1);
  EXPECT_NE(foreign.Facts("failure")[0].Find("detail")->text.find("another configuration"),
            std::string::npos);

  const std::string state = Folder("a/checkpoint/20/state.safetensors");
  WriteAll(state, ReadAll(state).substr(0, 300));
  Trial damaged = Spawn(config, "c", 2, resume);
  EXPECT_EQ(damaged.Finish().code, 1);
  // Not the data's fault: the attempt is tried again, from an older checkpoint.
  EXPECT_EQ(FailureKind(damaged), "crashed(exception)");
  EXPECT_NE(damaged.Facts("failure")[0].Find("detail")->text.find("state.safetensors"),
            std::string::npos);
}

TEST_F(ProbeTest, OlderCheckpointsStayWhatTheyWere) {
  Trial trial = Spawn(R"({"steps":60,"checkpoint_every":10})", "a");
  EXPECT_EQ(trial.Finish().code, 0);
  EXPECT_EQ(trial.Facts("checkpoint").size(), 5u);
  EXPECT_FALSE(Exists(Folder("a/checkpoint/30")));
  EXPECT_TRUE(Exists(Folder("a/checkpoint/40/state.safetensors")));
  EXPECT_TRUE(Exists(Folder("a/checkpoint/50/state.safetensors")));
  // The log as it was at step 40, although rows came since.
  const std::string then = ReadAll(Folder("a/checkpoint/40/log.csv"));
  const std::string now = ReadAll(Folder("a/log.csv"));
  EXPECT_LT(then.size(), now.size());
  EXPECT_TRUE(now.starts_with(then));
}

TEST(JobMode, SameContractWithoutATemplate) {
  TemporaryDirectory root;
  Trial trial = StartJobMode({.config = R"({"steps":4,"matrix":8})"}, root.path() + "/a");
  EXPECT_EQ(trial.Finish().code, 0);
  EXPECT_EQ(trial.Facts("started").size(), 1u);
  EXPECT_EQ(trial.facts().back().Find("f")->text, "final");
  EXPECT_TRUE(Exists(root.path() + "/a/last/model.safetensors"));
}

TEST(JobMode, EqualsATemplatesTrial) {
  TemporaryDirectory root;
  const JobOptions options{.config = R"({"steps":15,"matrix":40,"seed":3})"};
  Trial alone = StartJobMode(options, root.path() + "/alone");
  EXPECT_EQ(alone.Finish().code, 0);
  Agent agent;
  EXPECT_EQ(agent.Spawn(options, root.path() + "/forked").Finish().code, 0);
  EXPECT_EQ(ReadAll(root.path() + "/alone/last/model.safetensors"),
            ReadAll(root.path() + "/forked/last/model.safetensors"));
}

}  // namespace
}  // namespace fusor::testing
