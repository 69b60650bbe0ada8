#pragma once

// Reports for a person: one line that is rewritten on a terminal, a line per evaluation anywhere.

#include <chrono>
#include <cstdio>
#include <string>

#include "trainer/contract/reporter.h"
#include "trainer/process/progress_line.h"

namespace fusor {

struct ConsoleOptions {
  std::string title;
  std::int64_t epochs = 0;      // 0: the recipe knows none
  std::int64_t batch_size = 0;  // samples of a step; 0: not known
};

class ConsoleReporter final : public Reporter {
 public:
  // `out` must outlive the reporter.
  ConsoleReporter(std::FILE* out, ConsoleOptions options);

  void Started(const StartedReport& report) override;
  void Progress(const ProgressReport& report) override;
  void Metrics(std::int64_t step, std::span<const Metric> values) override;
  void Evaluated(const EvaluationReport& report) override;
  void Checkpointed(std::int64_t, std::span<const std::string>) override {}
  void Made(const ArtifactReport& report) override;
  void Ended(std::int64_t step, const Outcome& outcome) override;

 private:
  using Clock = std::chrono::steady_clock;

  void ClearLine();
  // How long was trained, and how many steps that made: evaluations are not part of the speed.
  void Measure(const ProgressReport& report, Clock::time_point now);
  ProgressFacts FactsOf(const ProgressReport& report, Clock::time_point now) const;

  std::FILE* out_;
  const ConsoleOptions options_;
  const bool rewrites_;
  bool line_open_ = false;
  std::optional<double> loss_;
  std::int64_t first_step_ = 0;
  Clock::time_point started_;
  ProgressReport last_;
  Clock::time_point last_at_;
  double trained_seconds_ = 0;
  std::int64_t trained_steps_ = 0;
};

}  // namespace fusor
