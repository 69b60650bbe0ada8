#pragma once

// Reports as JSON lines to a descriptor (docs/trainer_contract.md). Everything but metric points is
// written at once; points that come faster than kFlushEvery are packed in columns, and always
// written before any later fact, so the reader never sees a checkpoint whose points it lacks.
//
// A full pipe blocks: the trial is held back, nothing is dropped.

#include <chrono>
#include <string>
#include <vector>

#include "trainer/contract/reporter.h"

namespace fusor {

class FactReporter final : public Reporter {
 public:
  // `fd` stays the caller's. Writes the contract's first line.
  explicit FactReporter(int fd);

  void Started(const StartedReport& report) override;
  void Progress(const ProgressReport& report) override;
  void Metrics(std::int64_t step, std::span<const Metric> values) override;
  void Evaluated(const EvaluationReport& report) override;
  void Checkpointed(std::int64_t step, std::span<const std::string> files) override;
  void Made(const ArtifactReport& report) override;
  void Ended(std::int64_t step, const Outcome& outcome) override;

  // True once the reader has gone away; every later report is dropped.
  bool reader_gone() const { return reader_gone_; }

 private:
  static constexpr std::chrono::milliseconds kFlushEvery{100};
  static constexpr std::size_t kPackedPointsMax = 16'384;

  bool SameNames(std::span<const Metric> values) const;
  void AppendPacked();
  void WriteOut();

  int fd_;
  bool reader_gone_ = false;
  std::string text_;
  std::vector<std::string> names_;  // of the packed points
  std::vector<std::int64_t> steps_;
  std::vector<double> values_;  // steps_.size() rows of names_.size()
  std::chrono::steady_clock::time_point flushed_;
};

}  // namespace fusor
