#pragma once

// Passes every report on, and writes what a person wants to read into the trial's log: from where
// it went on, its evaluations (one a second at most, and always the last), why it failed or ended
// before its last step.

#include <chrono>
#include <cstdio>
#include <string>

#include "trainer/contract/reporter.h"

namespace fusor {

// "  val/loss 0.51  val/accuracy 0.85": the first `count` of them.
std::string MetricsText(std::span<const Metric> values, std::size_t count);

class LogReporter final : public Reporter {
 public:
  // Both stay the caller's.
  LogReporter(Reporter& next, std::FILE* log) : next_(next), log_(log) {}

  void Started(const StartedReport& report) override;
  void Progress(const ProgressReport& report) override { next_.Progress(report); }
  void Metrics(std::int64_t step, std::span<const Metric> values) override {
    next_.Metrics(step, values);
  }
  void Evaluated(const EvaluationReport& report) override;
  void Checkpointed(std::int64_t step, std::span<const std::string> files) override {
    next_.Checkpointed(step, files);
  }
  void Made(const ArtifactReport& report) override { next_.Made(report); }
  void Ended(std::int64_t step, const Outcome& outcome) override;

 private:
  void Write(const std::string& line);

  Reporter& next_;
  std::FILE* log_;
  std::string held_;  // an evaluation that came too soon after another
  std::chrono::steady_clock::time_point written_;
};

}  // namespace fusor
