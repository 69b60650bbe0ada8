#pragma once

// What a rank other than the first tells: that it began, how far it is, how it ended. Points,
// evaluations, checkpoints and results of a trial come from its first rank alone, else each would
// come once from every rank.

#include "trainer/contract/silent_reporter.h"

namespace fusor {

class ReplicaReporter final : public SilentReporter {
 public:
  // `reporter` stays the caller's.
  explicit ReplicaReporter(Reporter& reporter) : reporter_(reporter) {}

  void Started(const StartedReport& report) override { reporter_.Started(report); }
  void Progress(const ProgressReport& report) override { reporter_.Progress(report); }
  void Ended(std::int64_t step, const Outcome& outcome) override { reporter_.Ended(step, outcome); }

 private:
  Reporter& reporter_;
};

}  // namespace fusor
