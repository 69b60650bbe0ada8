// The `fusor` command as people and scripts use it: every output form, a terminal and a pipe, shell
// completion, exit codes, local mode. The real programs.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"

namespace fusor::integration {
namespace {

using harness::Binary;
using harness::Slurp;
using harness::WaitUntil;

std::filesystem::path Write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
  return file;
}

constexpr const char* kSweep = R"(name: tour
stages:
  experts:
    recipe: probe
    axes: {model: [densenet, resnet], expert: [0, 1]}
    params: {steps: 3}
  fusion:
    recipe: probe
    needs: {experts: {match: [model], collect: expert}}
    axes: {model: [densenet, resnet], fusion: [multiplicative]}
    params: {steps: 3, checkpoint_every: 1}
seeds: [0, 1]
resources: {device: cpu}
report: {columns: [val/accuracy, val/loss]}
)";

// A line of bash.
Output Bash(const std::filesystem::path& folder, const std::string& line) {
  const std::filesystem::path out = folder / "bash.out";
  const std::filesystem::path err = folder / "bash.err";
  const std::filesystem::path script = Write(folder / "line.bash", line);
  const std::string command = "cd '" + folder.string() + "' && LC_ALL=C.UTF-8 bash '" +
                              script.string() + "' >'" + out.string() + "' 2>'" + err.string() +
                              "' </dev/null";
  const int status = std::system(command.c_str());
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = Slurp(out),
          .err = Slurp(err)};
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// A cluster with one finished sweep.
constexpr char kMetricsLeft[] =
    "SELECT (SELECT count(*) FROM attempt_ref) + (SELECT count(*) FROM point) + (SELECT count(*) "
    "FROM log)";

class Tour : public testing::Test {
 protected:
  Tour() : agent_(cluster_.StartAgent("a", 2)), sweep_(cluster_.Submit(kSweep)) {
    EXPECT_TRUE(cluster_.WaitSql("state.db", "SELECT state FROM sweep", "finished", 120))
        << agent_->Log();
  }

  std::vector<std::vector<std::string>> Commands() const {
    return {{"ls"},
            {"show", "last"},
            {"trials", "tour"},
            {"trial", "last.fusion.0"},
            {"logs", "tour"},
            {"metrics", "last.fus.0"},
            {"metrics", "last.fusion.0", "--name", "train/loss"},
            {"results", "to"},
            {"explain", "1.experts.3"},
            {"workers"},
            {"workers", "a", "--slots"},
            {"artifacts", "last"},
            {"best", "last"},
            {"watch", "last"},
            {"recipes"},
            {"recipes", "probe"},
            {"version"},
            {"plan", (cluster_.path() / "sweep1.yaml").string()}};
  }

  Output In(const std::vector<std::string>& command, const std::string& form) const {
    std::vector<std::string> words = command;
    words.insert(words.end(), {"-o", form});
    return cluster_.Fusor(words);
  }

  Cluster cluster_;
  std::unique_ptr<Agent> agent_;
  std::string sweep_;
};

TEST_F(Tour, JsonIsAloneOnStandardOutput) {
  for (const std::vector<std::string>& command : Commands()) {
    const Output output = In(command, "json");
    EXPECT_EQ(output.exit_code, 0) << command[0] << output.err;
    EXPECT_EQ(output.err, "") << command[0];
    // logs gives an object per line, the others one value.
    const std::vector<std::string> values =
        command[0] == "logs" ? Lines(output.out) : std::vector<std::string>{output.out};
    for (const std::string& value : values) {
      EXPECT_TRUE(nlohmann::json::accept(value)) << command[0] << "\n" << value;
    }
  }
}

TEST_F(Tour, CsvIsATableOfEqualRows) {
  int forms = 0;
  for (const std::vector<std::string>& command : Commands()) {
    const Output output = In(command, "csv");
    if (output.exit_code == 2) {
      EXPECT_NE(output.err.find("has no output form 'csv'"), std::string::npos) << output.err;
      continue;
    }
    ++forms;
    const std::vector<std::string> lines = Lines(output.out);
    ASSERT_GE(lines.size(), 2U) << command[0];
    const auto fields = [](const std::string& line) {
      int count = 1;
      bool quoted = false;
      for (const char c : line) {
        if (c == '"') quoted = !quoted;
        if (c == ',' && !quoted) ++count;
      }
      return count;
    };
    for (const std::string& line : lines) EXPECT_EQ(fields(line), fields(lines[0])) << line;
  }
  EXPECT_GE(forms, 9);
}

TEST_F(Tour, IdsAreWhatOtherCommandsTake) {
  const Output trials = In({"trials", "last", "--where", "model=resnet"}, "id");
  ASSERT_EQ(Lines(trials.out).size(), 6U) << trials.out;
  for (const std::string& id : Lines(trials.out)) {
    EXPECT_EQ(cluster_.Fusor({"explain", id}).exit_code, 0) << id;
  }
  for (const std::string& line : Lines(In({"logs", "last"}, "json").out)) {
    const std::string id = nlohmann::json::parse(line)["trial"];
    EXPECT_EQ(cluster_.Fusor({"trial", id}).exit_code, 0) << id;
  }
  const std::string artifact = Lines(In({"artifacts", "last"}, "id").out).at(0);
  const std::string folder = (cluster_.path() / "one").string();
  EXPECT_EQ(cluster_.Fusor({"get", artifact, "-o", folder}).exit_code, 0) << artifact;
  EXPECT_EQ(cluster_.Fusor({"show", In({"ls"}, "id").out.substr(0, 1)}).exit_code, 0);
}

TEST_F(Tour, APipeGetsNoColoursAndATerminalDoes) {
  const std::string fusor = Binary("fusor").string() + " --data " + cluster_.data().string() + " ";
  for (const std::vector<std::string>& command : Commands()) {
    EXPECT_EQ(cluster_.Fusor(command).out.find('\x1b'), std::string::npos) << command[0];
  }
  const auto on_terminal = [&](const std::string& words) {
    return Bash(cluster_.path(), "TERM=xterm script -qec '" + fusor + words + "' /dev/null").out;
  };
  EXPECT_NE(on_terminal("ls").find("\x1b["), std::string::npos);
  EXPECT_EQ(on_terminal("ls --no-color").find("\x1b["), std::string::npos);
  EXPECT_EQ(on_terminal("ls -o json").find("\x1b["), std::string::npos);
}

TEST_F(Tour, LogsOfASweepNameTheTrialReadably) {
  const Output logs = cluster_.Fusor({"logs", "last"});
  EXPECT_NE(logs.out.find("[task-0-densenet-multiplicative-s0] "), std::string::npos) << logs.out;
  EXPECT_NE(logs.out.find("[task-3-resnet-1-s0] "), std::string::npos) << logs.out;
}

TEST_F(Tour, ResultsShowTheReportsColumnsAndTheTime) {
  const std::string text = cluster_.Fusor({"results", "last"}).out;
  for (const char* part : {"model", "fusion", "val/accuracy", "val/loss", " ± ", "2/2",
                           "wall time ", "sum of trial times ", "speed-up ", "slots used "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST_F(Tour, GetWritesAReadableTree) {
  const std::filesystem::path folder = cluster_.path() / "runs";
  const Output got = cluster_.Fusor({"get", "last", "-o", folder.string()});
  ASSERT_EQ(got.exit_code, 0) << got.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "experts" / "task-3-resnet-1-s0" / "log.txt"))
      << got.out;
  EXPECT_TRUE(std::filesystem::exists(folder / "fusion" / "task-0-densenet-multiplicative-s0" /
                                      "metrics.csv"))
      << got.out;
  const std::filesystem::path best = cluster_.path() / "best";
  const Output model = cluster_.Fusor({"best", "last", "--download", best.string()});
  EXPECT_EQ(model.exit_code, 0) << model.err;
  EXPECT_FALSE(std::filesystem::is_empty(best)) << model.out;
}

TEST_F(Tour, ExtendLeavesOldCellsUntouched) {
  const std::string before =
      cluster_.Sql("state.db", "SELECT group_concat(id) FROM (SELECT id FROM attempt ORDER BY id)");
  const Output extended = cluster_.Fusor({"extend", "last", "--seeds", "2,3"});
  ASSERT_EQ(extended.exit_code, 0) << extended.err;
  EXPECT_NE(extended.out.find("12 trials added"), std::string::npos) << extended.out;
  ASSERT_TRUE(cluster_.WaitEnded(sweep_, 24, 120)) << agent_->Log();
  EXPECT_TRUE(
      cluster_.Sql("state.db", "SELECT group_concat(id) FROM (SELECT id FROM attempt ORDER BY id)")
          .starts_with(before));
  EXPECT_EQ(cluster_.Sql("state.db", "SELECT max(number) FROM attempt"), "1");
  EXPECT_EQ(Lines(In({"trials", "last", "--where", "seed>=2"}, "id").out).size(), 12U);
}

TEST_F(Tour, RmAsksAndThenNothingIsLeft) {
  const Output asked = cluster_.Fusor({"rm", "last"});
  EXPECT_EQ(asked.exit_code, 2);
  EXPECT_NE(asked.err.find("--yes"), std::string::npos) << asked.err;
  EXPECT_EQ(cluster_.Sql("state.db", "SELECT count(*) FROM trial"), "12");
  EXPECT_EQ(cluster_.Fusor({"rm", "last", "--yes"}).exit_code, 0);
  EXPECT_EQ(cluster_.Sql("state.db", "SELECT count(*) FROM trial"), "0");
  EXPECT_EQ(cluster_.Fusor({"show", sweep_}).exit_code, 2);
  EXPECT_TRUE(cluster_.WaitSql("metrics.db", kMetricsLeft, "0", 60));
}

// As after a kill between the two databases: metrics.db is put back as it was before.
TEST_F(Tour, WhatADeletedSweepLeftInMetricsGoesAfterARestart) {
  namespace fs = std::filesystem;
  const auto copy = [&](const fs::path& from, const fs::path& to) {
    for (const char* file : {"metrics.db", "metrics.db-wal"}) {
      fs::remove(to / file);
      if (fs::exists(from / file)) fs::copy_file(from / file, to / file);
    }
    fs::remove(to / "metrics.db-shm");
  };
  const fs::path kept = cluster_.path() / "kept";
  fs::create_directory(kept);
  cluster_.KillDaemon();
  copy(cluster_.data(), kept);
  cluster_.RestartDaemon();
  EXPECT_EQ(cluster_.Fusor({"rm", "last", "--yes"}).exit_code, 0);
  cluster_.KillDaemon();
  copy(kept, cluster_.data());
  EXPECT_NE(cluster_.Sql("metrics.db", kMetricsLeft), "0");
  cluster_.RestartDaemon();
  EXPECT_TRUE(cluster_.WaitSql("metrics.db", kMetricsLeft, "0", 60)) << cluster_.Log();
}

TEST_F(Tour, EveryChangeSaysWhatIsNext) {
  const std::string file = Write(cluster_.path() / "long.yaml",
                                 "name: long\nstages: {s: {recipe: probe, params: {steps: 100000, "
                                 "step_ms: 10}}}\n")
                               .string();
  const std::vector<std::vector<std::string>> changes = {{"submit", file},
                                                         {"set", "last", "priority=60"},
                                                         {"pause", "last"},
                                                         {"resume", "last"},
                                                         {"extend", "last", "--seeds", "1"},
                                                         {"drain", "a"},
                                                         {"resume", "--worker", "a"},
                                                         {"cancel", "last"},
                                                         {"retry", "last"},
                                                         {"cancel", "last"},
                                                         {"rm", "tour", "--yes"}};
  for (const std::vector<std::string>& change : changes) {
    const Output output = cluster_.Fusor(change);
    EXPECT_EQ(output.exit_code, 0) << change[0] << output.err;
    const std::size_t next = output.out.find("\n\n  fusor ");
    ASSERT_NE(next, std::string::npos) << change[0] << "\n" << output.out;
    // The words can be typed as they stand.
    EXPECT_NE(output.out.find("--data " + cluster_.data().string(), next), std::string::npos)
        << output.out;
  }
}

// What bash offers for the last of `words`, given as the array elements that readline makes.
std::vector<std::string> Offered(const Cluster& cluster, const std::string& words, int at) {
  const Output output = Bash(
      cluster.path(), "fusor=" + Binary("fusor").string() + "\nsource <($fusor completion bash)\n" +
                          "COMP_WORDS=($fusor " + words + ")\nCOMP_CWORD=" + std::to_string(at) +
                          "\n_fusor\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
  EXPECT_EQ(output.err, "");
  std::vector<std::string> offered = Lines(output.out);
  std::sort(offered.begin(), offered.end());
  return offered;
}

using Words = std::vector<std::string>;

TEST_F(Tour, BashCompletes) {
  const std::string data = "--data " + cluster_.data().string() + " ";
  EXPECT_EQ(Offered(cluster_, "tri", 1), (Words{"trial", "trials"}));
  EXPECT_EQ(Offered(cluster_, data + "sub", 3), Words{"submit"});
  EXPECT_EQ(Offered(cluster_, data + "watch ''", 4), (Words{"1", "last", "tour"}));
  EXPECT_EQ(Offered(cluster_, data + "trial last.fusion.", 4),
            (Words{"last.fusion.0", "last.fusion.1", "last.fusion.2", "last.fusion.3"}));
  EXPECT_EQ(Offered(cluster_, "trials last --sta", 3), (Words{"--stage", "--state"}));
  EXPECT_EQ(Offered(cluster_, "trials last --state s", 4), (Words{"skipped", "succeeded"}));
  EXPECT_EQ(Offered(cluster_, "trials last --state = f", 5), Words{"failed"});
  EXPECT_EQ(Offered(cluster_, "cancel last -o ''", 4), (Words{"id", "json", "table"}));
  EXPECT_EQ(Offered(cluster_, data + "drain ''", 4), Words{"a"});
  EXPECT_EQ(Offered(cluster_, "recipes p", 2), Words{"probe"});
  EXPECT_EQ(Offered(cluster_, "set last pr", 3), Words{"priority="});
  std::filesystem::create_directories(cluster_.path() / "folder");
  Write(cluster_.path() / "file.yaml", "");
  EXPECT_EQ(Offered(cluster_, "submit fi", 2), Words{"file.yaml"});
  EXPECT_EQ(Offered(cluster_, "get last -o f", 4), Words{"folder"});
  EXPECT_EQ(Offered(cluster_, "submit --set f", 3), Words{""});
}

TEST(Cli, ExitCodesAndErrors) {
  Cluster cluster;
  const auto expect = [&](const Words& words, int code, const std::string& says) {
    const Output output = cluster.Fusor(words);
    EXPECT_EQ(output.exit_code, code) << words[0];
    EXPECT_EQ(output.out, "") << words[0];
    EXPECT_NE(output.err.find(says), std::string::npos) << output.err;
  };
  const std::string bad = Write(cluster.path() / "bad.yaml", "name: a b\nstagez: {}\n").string();
  expect({"submit", bad}, 2, bad + ":1:7: 'a b' is no name");
  expect({"submit", bad}, 2, bad + ":2:1: unknown key; did you mean 'stages'?");
  expect({"plan", bad}, 2, "3 problems");
  expect({"submit", "no-such-file"}, 2, "there is no such file");
  expect({"show", "last"}, 2, "fusor submit FILE");
  expect({"trial", "1.a.0"}, 2, "");
  expect({"shwo", "last"}, 2, "did you mean 'show'?");
  expect({"trials", "1", "--state", "faild"}, 2, "did you mean 'failed'?");
  expect({"resume", "--worker", "nobody"}, 2, "");
  cluster.KillDaemon();
  expect({"ls"}, 3, "fusord --data ");
}

class LocalMode : public testing::Test {
 protected:
  std::string Log() const { return Slurp(folder_.path() / "log"); }
  harness::Folder folder_;
};

TEST_F(LocalMode, CtrlCIsSafeAndTheSameCommandGoesOn) {
  Write(folder_.path() / "s.yaml",
        "name: here\nstages:\n  s:\n    recipe: probe\n    axes: {batch_size: [1, 2, 3]}\n"
        "    params: {steps: 300, step_ms: 10, checkpoint_every: 5}\n");
  const std::string command = Binary("fusor").string() + " local s.yaml --slots 1";
  {
    harness::Program run(
        {"/bin/bash", "-c", "cd " + folder_.path().string() + " && exec " + command},
        folder_.path() / "log");
    ASSERT_TRUE(WaitUntil([&] { return Log().find("succeeded") != std::string::npos; }, 120))
        << Log();
    run.Signal(SIGINT);
    ASSERT_TRUE(WaitUntil([&] { return !run.Running(); }, 120)) << Log();
  }
  EXPECT_NE(Log().find("stopped; nothing is lost"), std::string::npos) << Log();
  EXPECT_NE(Log().find("fusor local s.yaml --slots 1  # goes on where it stopped"),
            std::string::npos)
      << Log();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / ".fusor" / "endpoint"));
  const Output again = Bash(folder_.path(), command);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_NE(again.out.find("going on with sweep 1"), std::string::npos) << again.out;
  EXPECT_NE(again.out.find("sweep 1 (here) finished"), std::string::npos) << again.out;
  EXPECT_NE(again.out.find("3 succeeded"), std::string::npos) << again.out;
  // With other settings it is another sweep.
  const Output resumed =
      Bash(folder_.path(), Binary("fusor").string() + " local s.yaml --set seeds=[5] --get runs");
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "runs" / "s" / "task-0-1-s5" / "log.txt"))
      << resumed.out;
}

// As the last lines of a run propose: the coordinator is brought back to look at results.
TEST_F(LocalMode, ACoordinatorWithoutWorkersGetsOneForTheRun) {
  Write(folder_.path() / "s.yaml",
        "name: here\nstages: {s: {recipe: probe, axes: {batch_size: [1, 2, 3]}, params: {steps: "
        "3}}}\n");
  const harness::Daemon daemon(folder_.path() / ".fusor");
  const std::string command = Binary("fusor").string() + " local s.yaml --slots 1";
  const Output joined = Bash(folder_.path(), command);
  EXPECT_EQ(joined.exit_code, 0) << joined.out << joined.err;
  EXPECT_NE(joined.out.find("using the coordinator that runs in .fusor"), std::string::npos)
      << joined.out;
  EXPECT_NE(joined.out.find("3 succeeded"), std::string::npos) << joined.out;
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / ".fusor" / "endpoint"));
}

TEST_F(LocalMode, OfTwoRunsAtOnceTheSecondJoins) {
  for (const char* name : {"a", "b"}) {
    Write(folder_.path() / (std::string(name) + ".yaml"),
          "name: " + std::string(name) + "\nstages: {s: {recipe: probe, params: {steps: 3}}}\n");
  }
  const std::string fusor = Binary("fusor").string();
  const Output both =
      Bash(folder_.path(), fusor + " local a.yaml >a.log 2>&1 & first=$!; " + fusor +
                               " local b.yaml >b.log 2>&1; code=$?; wait "
                               "$first && exit $code");
  EXPECT_EQ(both.exit_code, 0) << Slurp(folder_.path() / "a.log")
                               << Slurp(folder_.path() / "b.log");
}

TEST_F(LocalMode, FailuresAreExitCode1AndBadFiles2) {
  Write(folder_.path() / "f.yaml",
        "name: f\nretry: {crashes: 0}\nstages: {s: {recipe: probe, params: {steps: 2, fault: exit, "
        "fault_step: 1}}}\n");
  const Output failed = Bash(folder_.path(), Binary("fusor").string() + " local f.yaml");
  EXPECT_EQ(failed.exit_code, 1) << failed.err;
  EXPECT_NE(failed.out.find("1 failed"), std::string::npos) << failed.out;
  const Output bad =
      Bash(folder_.path(), Binary("fusor").string() + " local f.yaml --set stages.s.params.stps=1");
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_NE(bad.err.find("did you mean 'steps'?"), std::string::npos) << bad.err;
}

}  // namespace
}  // namespace fusor::integration
