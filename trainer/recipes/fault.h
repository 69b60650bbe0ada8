#pragma once

// Failures on request: each kind that an agent must tell apart, made to happen for real.

#include <cstdint>
#include <memory>
#include <string>

#include "trainer/contract/job.h"
#include "trainer/engine/pulse.h"

namespace fusor {

inline constexpr int kFaultExitStatus = 17;

class Fault {
 public:
  Fault(std::string kind, std::int64_t step) : kind_(std::move(kind)), step_(step) {}

  // Before step `step` (counted from 0): crashes, hangs, throws, takes all memory or exits, if that
  // is what the fault is and this is its step.
  void StrikeAt(std::int64_t step) const;
  bool SpoilsLoss(std::int64_t step) const { return kind_ == "nan" && step == step_; }

 private:
  std::string kind_;
  std::int64_t step_;
};

// Null when this attempt is to go well.
std::unique_ptr<Fault> FaultFromJob(const Job& job);

}  // namespace fusor
