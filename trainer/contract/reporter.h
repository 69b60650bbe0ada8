#pragma once

// What a trial tells the world while it runs. Two implementations: facts for an agent, a progress
// line for a person. Called by the training thread only.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/outcome.h"

namespace fusor {

enum class Phase : std::uint8_t { kLoad, kTrain, kEvaluate, kCheckpoint, kSave };

std::string_view PhaseName(Phase phase);

struct Metric {
  std::string name;
  double value = 0;
};

struct StartedReport {
  std::int64_t resumed_from_step = 0;
  bool bit_exact = true;
  std::map<std::string, std::string> info;
};

struct ProgressReport {
  std::int64_t step = 0;  // finished steps
  std::int64_t steps = 0;
  std::int64_t epoch = 0;
  Phase phase = Phase::kLoad;
};

struct EvaluationReport {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  std::vector<Metric> values;
};

struct ArtifactReport {
  std::string kind;  // model, csv, report, trace, data
  std::string name;  // relative to the attempt's directory
  std::int64_t step = 0;
};

class Reporter {
 public:
  virtual ~Reporter() = default;

  // Progress must follow at once: the two may travel together.
  virtual void Started(const StartedReport& report) = 0;
  virtual void Progress(const ProgressReport& report) = 0;
  virtual void Metrics(std::int64_t step, std::span<const Metric> values) = 0;
  virtual void Evaluated(const EvaluationReport& report) = 0;
  virtual void Checkpointed(std::int64_t step, std::span<const std::string> files) = 0;
  virtual void Made(const ArtifactReport& report) = 0;
  // The last call: how the trial ended.
  virtual void Ended(std::int64_t step, const Outcome& outcome) = 0;
};

}  // namespace fusor
