#pragma once

// Reports for a person: one line that is rewritten on a terminal, a line per evaluation anywhere.

#include <chrono>
#include <cstdio>
#include <string>

#include "trainer/contract/reporter.h"

namespace fusor {

class ConsoleReporter final : public Reporter {
 public:
  // `out` must outlive the reporter.
  ConsoleReporter(std::FILE* out, std::string title);

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

  std::FILE* out_;
  const std::string title_;
  const bool terminal_;
  bool line_open_ = false;
  std::string metrics_;  // the newest, as text
  std::int64_t first_step_ = 0;
  Clock::time_point started_;
  Clock::time_point metrics_at_;
};

}  // namespace fusor
