// Job, facts and commands, without a process.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/text/json.h"
#include "trainer/contract/control.h"
#include "trainer/contract/fact_reporter.h"
#include "trainer/contract/job.h"
#include "trainer/io/descriptor.h"

namespace fusor {
namespace {

using ::testing::HasSubstr;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    read.Reset(ends[0]);
    write.Reset(ends[1]);
  }
  // All lines so far; closes the writing end.
  std::vector<std::string> Lines() {
    write.Reset();
    std::string text;
    char buffer[4096];
    for (ssize_t count; (count = ::read(read.get(), buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(count));
    }
    std::vector<std::string> lines;
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      lines.push_back(text.substr(at, end - at));
    }
    return lines;
  }

  Descriptor read;
  Descriptor write;
};

TEST(FactReporter, WritesTheContractsLines) {
  Pipe pipe;
  FactReporter reporter(pipe.write.get());
  reporter.Started({500, false, {{"host", "a\"b"}}});
  reporter.Progress({120, 1000, 1, Phase::kTrain});
  reporter.Evaluated({500, 5, {{"val/loss", 1.5}, {"val/accuracy", std::nan("")}}});
  const std::vector<std::string> files = {"checkpoint/500/state.safetensors"};
  reporter.Checkpointed(500, files);
  reporter.Made({"model", "best/model.safetensors", 400});
  reporter.Ended(1000, {OutcomeKind::kSucceeded});
  EXPECT_EQ(
      pipe.Lines(),
      (std::vector<std::string>{
          R"({"contract":1})",
          R"({"f":"started","resumed_from_step":500,"bit_exact":false,"info":{"host":"a\"b"}})",
          R"({"f":"progress","step":120,"steps":1000,"epoch":1,"phase":"train"})",
          R"({"f":"evaluation","step":500,"epoch":5,"v":{"val/loss":1.5,"val/accuracy":"nan"}})",
          R"({"f":"checkpoint","step":500,"files":["checkpoint/500/state.safetensors"]})",
          R"({"f":"artifact","kind":"model","name":"best/model.safetensors","step":400})",
          R"({"f":"final","step":1000,"outcome":"succeeded"})"}));
}

TEST(FactReporter, ReleasedAndFailed) {
  Pipe pipe;
  FactReporter reporter(pipe.write.get());
  reporter.Ended(3, {OutcomeKind::kReleased});
  reporter.Ended(3, {OutcomeKind::kFailed, Failure::kDiverged, 0, "loss is nan at step 3"});
  reporter.Ended(3, {.kind = OutcomeKind::kSucceeded, .detail = "stopped early: \"x\""});
  const auto lines = pipe.Lines();
  EXPECT_EQ(lines.at(1), R"({"f":"final","step":3,"outcome":"released"})");
  EXPECT_EQ(lines.at(2), R"({"f":"failure","kind":"diverged","detail":"loss is nan at step 3"})");
  EXPECT_EQ(lines.at(3),
            R"({"f":"final","step":3,"outcome":"succeeded","detail":"stopped early: \"x\""})");
}

TEST(FactReporter, PacksFrequentPointsAndKeepsTheirOrder) {
  Pipe pipe;
  FactReporter reporter(pipe.write.get());
  std::vector<Metric> both = {{"a", 0}, {"b", 0}};
  for (int step = 1; step <= 50; ++step) {
    both[0].value = step * 0.1;
    both[1].value = step == 7 ? HUGE_VAL : -step;
    reporter.Metrics(step, both);
  }
  const Metric other{"c", 1e-300};
  reporter.Metrics(51, {&other, 1});
  reporter.Ended(51, {OutcomeKind::kSucceeded});
  long long expected = 1;
  const auto lines = pipe.Lines();
  EXPECT_LT(lines.size(), 20u);
  EXPECT_THAT(lines.back(), HasSubstr("final"));
  for (const std::string& line : lines) {
    auto fact = ParseJson(line);
    ASSERT_TRUE(fact.ok()) << line;
    const Json* names = fact->Find("names");
    if (names == nullptr) continue;
    const auto& steps = fact->Find("steps")->items;
    const auto& columns = fact->Find("v")->items;
    ASSERT_EQ(columns.size(), names->items.size());
    if (names->items[0].text == "c") {
      EXPECT_EQ(columns[0].items.at(0).real, 1e-300);
      continue;
    }
    for (std::size_t j = 0; j < steps.size(); ++j, ++expected) {
      EXPECT_EQ(steps[j].integer, expected);
      EXPECT_EQ(columns[0].items.at(j).real, static_cast<double>(expected) * 0.1);
      if (expected == 7) {
        EXPECT_EQ(columns[1].items.at(j).text, "inf");
      } else {
        EXPECT_EQ(columns[1].items.at(j).real, static_cast<double>(-expected));
      }
    }
  }
  EXPECT_EQ(expected, 51);
}

TEST(FactReporter, NoticesThatTheReaderIsGone) {
  signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  FactReporter reporter(pipe.write.get());
  pipe.read.Reset();
  EXPECT_FALSE(reporter.reader_gone());
  reporter.Progress({});
  EXPECT_TRUE(reporter.reader_gone());
}

class ControlTest : public ::testing::Test {
 protected:
  void Send(const std::string& text) {
    ASSERT_EQ(write(pipe_.write.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  Pipe pipe_;
  int aborts_ = 0;
  Control control_{{.command_fd = pipe_.read.get(), .abort = [this] { ++aborts_; }}};
};

TEST_F(ControlTest, TakesEachWishOnce) {
  EXPECT_FALSE(control_.Take().checkpoint);
  Send("{\"c\":\"checkpoint\"}\n{\"c\":\"finish_early\"}\n");
  const Wishes wishes = control_.Take();
  EXPECT_TRUE(wishes.checkpoint);
  EXPECT_TRUE(wishes.finish_early);
  EXPECT_FALSE(wishes.stop);
  EXPECT_FALSE(control_.Take().checkpoint);
}

TEST_F(ControlTest, WaitsForTheEndOfALine) {
  Send("{\"c\":\"checkpoint_and");
  EXPECT_FALSE(control_.Take().stop);
  Send("_stop\"}\n");
  EXPECT_TRUE(control_.Take().stop);
}

TEST_F(ControlTest, AbortsOnRequestAndAtTheEnd) {
  Send("{\"c\":\"abort\"}\n");
  control_.Poll();
  EXPECT_EQ(aborts_, 1);
  pipe_.write.Reset();
  control_.Poll();
  EXPECT_EQ(aborts_, 2);
}

TEST_F(ControlTest, DropsALineWithoutEnd) {
  for (int i = 0; i < 100; ++i) {
    Send(std::string(400, 'x'));
    control_.Poll();
  }
  Send("\n{\"c\":\"checkpoint\"}\n");
  EXPECT_TRUE(control_.Take().checkpoint);
}

TEST_F(ControlTest, WaitEndsEarlyWhenAWishComes) {
  Send("{\"c\":\"checkpoint\"}\n");
  control_.Wait(std::chrono::hours(1));
  EXPECT_TRUE(control_.Take().checkpoint);
}

TEST(ParseJob, ReadsEverything) {
  auto job = ParseJob(R"({"contract":1,"attempt":812,"trial":"7.experts.3","number":2,
      "name":"task-3","recipe":"probe","recipe_version":1,
      "config":{"steps":7,"learning_rate":1,"precision":"fp16"},
      "threads":2,"cpus":[0,3],"device":"cuda","precision_used":"bf16","datasets_dir":"/data",
      "oom_score_adj":1000,"unknown":[{}],
      "resume":{"step":500,"files":[{"name":"checkpoint/500/state.safetensors","path":"/x"}]},
      "inputs":[{"trial":"7.experts.0","files":[{"name":"best/model.safetensors","path":"/y"}]}],
      "checkpoint":{"every_steps":500,"every_ms":600000},"rank":1,"world":2,
      "env":{"CUDA_VISIBLE_DEVICES":"GPU-1"}})");
  ASSERT_TRUE(job.ok()) << job.status().ToString();
  EXPECT_EQ(job->attempt, 812u);
  EXPECT_EQ(job->trial, "7.experts.3");
  EXPECT_EQ(job->number, 2);
  EXPECT_EQ(job->config.Int("steps"), 7);
  EXPECT_EQ(job->config.Float("learning_rate"), 1.0);
  EXPECT_EQ(job->config.Text("precision"), "bf16");
  EXPECT_EQ(job->cpus, (std::vector<int>{0, 3}));
  EXPECT_EQ(job->device, "cuda");
  EXPECT_EQ(job->oom_score_adj, 1000);
  ASSERT_TRUE(job->resume);
  EXPECT_EQ(job->resume->step, 500);
  EXPECT_EQ(job->resume->files.at(0).path, "/x");
  EXPECT_EQ(job->inputs.at(0).files.at(0).name, "best/model.safetensors");
  EXPECT_EQ(job->checkpoint.every_ms, 600'000);
  EXPECT_EQ(job->rank, 1);
  EXPECT_EQ(job->env.at("CUDA_VISIBLE_DEVICES"), "GPU-1");
}

TEST(ParseJob, RefusesWithTheReason) {
  auto reason = [](const std::string& text) { return ParseJob(text).status().message(); };
  const std::string start = R"({"contract":1,"recipe":"probe")";
  EXPECT_THAT(reason("{"), HasSubstr("job"));
  EXPECT_THAT(reason(R"({"contract":2})"), HasSubstr("contract 1"));
  EXPECT_THAT(reason(R"({"contract":1,"recipe":"nonsense"})"), HasSubstr("nonsense"));
  EXPECT_THAT(reason(start + R"(,"recipe_version":99})"), HasSubstr("version"));
  EXPECT_THAT(reason(start + R"(,"threads":0})"), HasSubstr("threads"));
  EXPECT_THAT(reason(start + R"(,"threads":"two"})"), HasSubstr("threads"));
  EXPECT_THAT(reason(start + R"(,"threads":99999999999})"), HasSubstr("threads"));
  EXPECT_THAT(reason(start + R"(,"cpus":["a"]})"), HasSubstr("cpus"));
  EXPECT_THAT(reason(start + R"(,"device":"tpu"})"), HasSubstr("device"));
  EXPECT_THAT(reason(start + R"(,"env":{"A":1}})"), HasSubstr("env.A"));
  EXPECT_THAT(reason(start + R"(,"resume":{"files":1}})"), HasSubstr("files"));
  EXPECT_THAT(reason(start + R"(,"config":{"stepz":1}})"), HasSubstr("stepz"));
  EXPECT_THAT(reason(start + R"(,"config":{"steps":[1]}})"), HasSubstr("steps"));
}

}  // namespace
}  // namespace fusor
