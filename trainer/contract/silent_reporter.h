#pragma once

#include "trainer/contract/reporter.h"

namespace fusor {

// Tells nobody; what is overridden is heard.
class SilentReporter : public Reporter {
 public:
  void Started(const StartedReport&) override {}
  void Progress(const ProgressReport&) override {}
  void Metrics(std::int64_t, std::span<const Metric>) override {}
  void Evaluated(const EvaluationReport&) override {}
  void Checkpointed(std::int64_t, std::span<const std::string>) override {}
  void Made(const ArtifactReport&) override {}
  void Ended(std::int64_t, const Outcome&) override {}
};

}  // namespace fusor
