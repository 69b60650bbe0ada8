#pragma once

// Runs the loop on a task of the test's own, in a directory of its own, and keeps what it reports.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/trainer/agent.h"
#include "trainer/engine/loop.h"

namespace fusor::testing {

class KeptReports final : public Reporter {
 public:
  void Started(const StartedReport& report) override { started = report; }
  void Progress(const ProgressReport&) override {}
  void Metrics(std::int64_t, std::span<const Metric> values) override {
    for (const Metric& metric : values) series[metric.name].push_back(metric.value);
  }
  void Evaluated(const EvaluationReport& report) override { evaluated.push_back(report.step); }
  void Checkpointed(std::int64_t step, std::span<const std::string> files) override {
    JobResume& resume = checkpoints[step];
    resume.step = step;
    for (const std::string& file : files) {
      resume.files.push_back({file, std::filesystem::absolute(file).string()});
    }
  }
  void Made(const ArtifactReport& report) override { made[report.name] = report.step; }
  void Ended(std::int64_t, const Outcome&) override {}

  StartedReport started;
  std::vector<std::int64_t> evaluated;
  std::map<std::string, std::int64_t> made;
  std::map<std::string, std::vector<double>> series;
  std::map<std::int64_t, JobResume> checkpoints;  // of the newest two the files are there
};

// Momentum, and a rate that falls with every step that is applied.
inline TrainingPolicy Falling() {
  TrainingPolicy policy;
  policy.optimizer.momentum = 0.5;
  policy.schedule.shape = ScheduleOptions::Shape::kLinear;
  return policy;
}

class LoopFixture : public ::testing::Test {
 protected:
  LoopFixture() : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(root_.path());
  }
  ~LoopFixture() override { std::filesystem::current_path(before_); }

  Outcome Run(Task& task, LoopOptions options) {
    Control control({});
    return Loop(std::move(options), task, reporter_, control).Run();
  }
  Outcome Run(Task& task, const TrainingPolicy& policy = Falling()) {
    return Run(task, LoopOptions{.policy = policy});
  }
  // From now on in a new directory, as another attempt would be.
  void MoveOn(const std::string& name) {
    std::filesystem::create_directory(root_.path() + "/" + name);
    std::filesystem::current_path(root_.path() + "/" + name);
  }

  TemporaryDirectory root_;
  std::filesystem::path before_;
  KeptReports reporter_;
};

}  // namespace fusor::testing
