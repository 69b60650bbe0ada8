// fusor-train by hand: what it accepts, what it refuses, and that it goes on where it was stopped.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/trainer/agent.h"
#include "trainer/process/arguments.h"
#include "trainer/process/log_reporter.h"

namespace fusor {
namespace {

using testing::Eventually;
using testing::Exists;
using ::testing::HasSubstr;
using testing::Ran;
using testing::ReadAll;
using testing::RunProgram;
using testing::TemporaryDirectory;

Result<Standalone> Parse(std::vector<const char*> arguments) { return ParseArguments(arguments); }

TEST(Arguments, ReadsParametersByTheirType) {
  auto parsed = Parse({"expert", "epochs=3", "learning_rate=1", "nesterov=no", "data=cifar10",
                       "out=/tmp/x", "threads=3", "data_dir=/data"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const Config& config = parsed->job.config;
  EXPECT_EQ(config.Int("epochs"), 3);
  EXPECT_EQ(config.Float("learning_rate"), 1.0);
  EXPECT_FALSE(config.Bool("nesterov"));
  EXPECT_EQ(config.Text("data"), "cifar10");
  EXPECT_EQ(parsed->out, "/tmp/x");
  EXPECT_EQ(parsed->job.threads, 3);
  EXPECT_EQ(parsed->job.datasets_dir, "/data");
}

// Counts what reaches it.
class Counting final : public Reporter {
 public:
  void Started(const StartedReport&) override { ++reports; }
  void Progress(const ProgressReport&) override { ++reports; }
  void Metrics(std::int64_t, std::span<const Metric>) override { ++reports; }
  void Evaluated(const EvaluationReport&) override { ++reports; }
  void Checkpointed(std::int64_t, std::span<const std::string>) override { ++reports; }
  void Made(const ArtifactReport&) override { ++reports; }
  void Ended(std::int64_t, const Outcome&) override { ++reports; }
  int reports = 0;
};

TEST(LogReporter, WritesTheFirstAndTheLastEvaluationAndPassesAllOn) {
  char* text = nullptr;
  std::size_t bytes = 0;
  std::FILE* log = open_memstream(&text, &bytes);
  Counting next;
  LogReporter reporter(next, log);
  reporter.Started({.resumed_from_step = 40, .bit_exact = false, .info = {}});
  for (int step = 1; step <= 1000; ++step) {
    reporter.Evaluated({.step = step, .epoch = 1, .values = {{"val/loss", 0.5}}});
  }
  reporter.Ended(
      1000, {.kind = OutcomeKind::kFailed, .failure = Failure::kDiverged, .detail = "loss is nan"});
  std::fclose(log);
  const std::string written(text, bytes);
  std::free(text);
  EXPECT_THAT(written, ::testing::StartsWith(
                           "goes on from step 40, not bit for bit: threads, precision or machine "
                           "differ\nepoch 1  step 1  val/loss 0.5\n"));
  EXPECT_THAT(written,
              ::testing::EndsWith("epoch 1  step 1000  val/loss 0.5\nfailed: loss is nan\n"));
  EXPECT_LT(written.size(), 10'000U);
  EXPECT_EQ(next.reports, 1002);
}

TEST(Arguments, EqualConfigurationsHaveEqualPlaces) {
  EXPECT_EQ(Parse({"probe", "steps=5"})->out, Parse({"probe", "steps=5", "seed=0"})->out);
  EXPECT_NE(Parse({"probe", "steps=5"})->out, Parse({"probe", "steps=6"})->out);
}

TEST(Arguments, FileThenOverrides) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/config.json";
  testing::WriteAll(path, R"({"steps":7,"matrix":4})");
  auto parsed = Parse({"probe", "--config", path.c_str(), "matrix=5"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(parsed->job.config.Int("steps"), 7);
  EXPECT_EQ(parsed->job.config.Int("matrix"), 5);
}

TEST(Arguments, AYamlFileIsReadByTheTypesAndAllProblemsHaveTheirPlace) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/config.yaml";
  testing::WriteAll(path, "steps: 1e2\nmatrix: 010  # ten\nprecision: bf16\n");
  auto parsed = Parse({"probe", "--config", path.c_str()});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(parsed->job.config.Int("steps"), 100);
  EXPECT_EQ(parsed->job.config.Int("matrix"), 10);
  EXPECT_EQ(parsed->job.config.Text("precision"), "bf16");

  testing::WriteAll(path, "stepz: 1\nmatrix: many\nsteps: 5\nsteps: 6\n");
  const std::string problems = Parse({"probe", "--config", path.c_str()}).status().message();
  EXPECT_THAT(problems,
              HasSubstr(path + ":1:1: recipe probe has no parameter 'stepz'; did you mean "
                               "'steps'?"));
  EXPECT_THAT(problems, HasSubstr(path + ":2:9: matrix: 'many' is not an integer"));
  EXPECT_THAT(problems, HasSubstr(path + ":4:1: "));
  testing::WriteAll(path, "- steps\n");
  EXPECT_THAT(Parse({"probe", "--config", path.c_str()}).status().message(),
              HasSubstr("expected a map of parameters"));
}

TEST(Arguments, PartsToBeginWithAreAMapOrSinglePathsFromHere) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/config.yaml";
  testing::WriteAll(path,
                    "init_from: {experts: [/a/0.pth, b/../1.pth, /2, /3], fusion: /run}\n"
                    "splits: ./s\n");
  auto parsed = Parse({"fusion", "--config", path.c_str(), "init_global=g.pth"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(parsed->job.config.Text("init_experts"), "/a/0.pth," + here + "/1.pth,/2,/3");
  EXPECT_EQ(parsed->job.config.Text("init_fusion"), "/run");
  EXPECT_EQ(parsed->job.config.Text("init_global"), here + "/g.pth");
  EXPECT_EQ(parsed->job.config.Text("splits"), here + "/s");

  testing::WriteAll(path, "init_from: {expert: /a, fusion: [/a, 'b,c', '']}\ninit_fusion: /d\n");
  const std::string problems = Parse({"fusion", "--config", path.c_str()}).status().message();
  EXPECT_THAT(problems, HasSubstr(":1:13: init_from has no 'expert'; did you mean 'experts'?"));
  EXPECT_THAT(problems, HasSubstr(":1:38: expected one path, without a comma"));
  EXPECT_THAT(problems, HasSubstr(":1:45: expected one path, without a comma"));
  EXPECT_THAT(problems, HasSubstr(":2:1: init_fusion is given twice"));
  testing::WriteAll(path, "init_from: /run\n");
  EXPECT_THAT(Parse({"fusion", "--config", path.c_str()}).status().message(),
              HasSubstr(":1:12: expected a map of experts, fusion, global, got '/run'"));
}

TEST(Arguments, RefusesWithTheNearestNameAndAllProblems) {
  auto problem = [](std::vector<const char*> arguments) {
    return Parse(std::move(arguments)).status().message();
  };
  EXPECT_THAT(problem({"exprt"}), HasSubstr("did you mean 'expert'"));
  const std::string both = problem({"expert", "epoch=3", "depth=11"});
  EXPECT_THAT(both, HasSubstr("did you mean 'epochs'"));
  EXPECT_THAT(both, HasSubstr("depth"));
  EXPECT_THAT(problem({"probe", "thread=3"}), HasSubstr("did you mean 'threads'"));
  EXPECT_THAT(problem({"probe", "steps=many"}), HasSubstr("steps"));
  EXPECT_THAT(problem({"probe", "steps"}), HasSubstr("key=value"));
  EXPECT_THAT(problem({"probe", "threads=0"}), HasSubstr("threads"));
  EXPECT_THAT(problem({"probe", "device=tpu"}), HasSubstr("device"));
  EXPECT_THAT(problem({"probe", "--config"}), HasSubstr("--config"));
  EXPECT_THAT(problem({"probe", "--config", "/no/such.json"}), HasSubstr("/no/such.json"));
}

TEST(Program, HelpNamesEverything) {
  TemporaryDirectory root;
  const Ran help = RunProgram(root, "--help");
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.output, HasSubstr("expert"));
  const Ran recipe = RunProgram(root, "expert --help");
  EXPECT_EQ(recipe.status, 0);
  EXPECT_THAT(recipe.output, HasSubstr("momentum=0.9"));
}

TEST(Program, TellsItsVersionAndLibTorchs) {
  TemporaryDirectory root;
  const Ran ran = RunProgram(root, "--version");
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.output, HasSubstr("fusor-train "));
  EXPECT_THAT(ran.output, HasSubstr("libtorch 2."));
}

TEST(Program, RefusesBadInputWithStatusTwo) {
  TemporaryDirectory root;
  const Ran ran = RunProgram(root, "expert epoch=3");
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.output, HasSubstr("did you mean 'epochs'"));
}

TEST(Program, DescribesNetworks) {
  TemporaryDirectory root;
  const Ran whole = RunProgram(root, "describe model=densenet");
  EXPECT_EQ(whole.status, 0);
  EXPECT_THAT(whole.output, HasSubstr("parameters      7,048,676"));
  EXPECT_THAT(whole.output, HasSubstr("multiply-adds   888.4 million"));
  EXPECT_THAT(whole.output, HasSubstr("features.transition3.pool"));
  const Ran small = RunProgram(
      root, "describe model=resnext depth=11 width=8 cardinality=2 optimizer=adamw batch_size=1");
  EXPECT_EQ(small.status, 0);
  EXPECT_THAT(small.output, HasSubstr("conv 3x3/2 in 2 groups"));
  EXPECT_EQ(RunProgram(root, "describe --help").status, 0);
  const std::pair<const char*, const char*> wrong[] = {
      {"describe", "needs model=NAME"},
      {"describe model=resnet18", "did you mean 'resnet'"},
      {"describe model=resnet depht=10", "did you mean 'depth'"},
      {"describe model=resnet depth=x", "no number"},
      {"describe model=resnet growth=4", "no option 'growth'"},
      {"describe model=resnet batch_size=0", "batch_size must be from 1"},
      {"describe model=resnet optimizer=adamx", "did you mean 'adam'"},
      {"describe model=resnet precision=fp8", "unknown precision"},
  };
  for (const auto& [arguments, says] : wrong) {
    const Ran ran = RunProgram(root, arguments);
    EXPECT_EQ(ran.status, 2) << arguments;
    EXPECT_THAT(ran.output, HasSubstr(says));
  }
}

TEST(Program, TrainsAndFails) {
  TemporaryDirectory root;
  const Ran good = RunProgram(root, "probe steps=20 matrix=8 out=" + root.path() + "/good");
  EXPECT_EQ(good.status, 0);
  EXPECT_THAT(good.output, HasSubstr("val/accuracy"));
  EXPECT_TRUE(Exists(root.path() + "/good/last/model.safetensors"));
  const Ran bad = RunProgram(root, "probe steps=20 fault=nan out=" + root.path() + "/bad");
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.output, HasSubstr("diverged"));
}

TEST(Program, SaysWhereTheCudaPluginWouldComeFrom) {
  TemporaryDirectory root;
  // Without a GPU either the plug-in or the driver is missing; both are said in one line.
  if (Exists("/dev/nvidia0")) GTEST_SKIP() << "this machine has a GPU";
  const Ran ran = RunProgram(root, "probe steps=1 device=cuda out=" + root.path() + "/a");
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.output, HasSubstr("failed: "));
}

TEST(Program, GoesOnAfterASignal) {
  TemporaryDirectory root;
  const std::string arguments = "probe steps=2000 step_ms=1 matrix=8 threads=1 ";
  const Ran straight = RunProgram(root, arguments + "out=" + root.path() + "/straight");
  ASSERT_EQ(straight.status, 0);
  const std::string out = root.path() + "/stopped";
  const pid_t pid = fork();
  if (pid == 0) {
    execl(FUSOR_TRAIN, FUSOR_TRAIN, "probe", "steps=2000", "step_ms=1", "matrix=8", "threads=1",
          ("out=" + out).c_str(), nullptr);
    _exit(126);
  }
  // The first evaluation is behind it, the last steps are not.
  ASSERT_TRUE(Eventually([&] { return Exists(out + "/log.csv"); }));
  kill(pid, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(Exists(out + "/checkpoint"));
  EXPECT_FALSE(Exists(out + "/last"));
  const Ran resumed = RunProgram(root, arguments + "out=" + out);
  EXPECT_EQ(resumed.status, 0);
  EXPECT_THAT(resumed.output, HasSubstr("goes on from step"));
  EXPECT_FALSE(Exists(out + "/checkpoint"));
  for (const char* file : {"/last/model.safetensors", "/log.csv"}) {
    EXPECT_EQ(ReadAll(out + file), ReadAll(root.path() + "/straight" + file)) << file;
  }
}

}  // namespace
}  // namespace fusor
