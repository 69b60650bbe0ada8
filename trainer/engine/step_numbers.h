#pragma once

// The numbers that a step leaves behind, on the device until somebody asks for them.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trainer/contract/reporter.h"
#include "trainer/engine/task.h"
#include "trainer/optim/step.h"

namespace fusor {

class StepNumbers {
 public:
  StepNumbers(std::int64_t step, std::vector<double> rates)
      : step_(step), rates_(std::move(rates)) {}

  // The loss and values of a part, and how many samples it had.
  void Add(const BatchLoss& loss, std::int64_t samples);
  void SetReport(StepReport report) { report_.emplace(std::move(report)); }

  std::int64_t step() const { return step_; }
  const std::vector<double>& rates() const { return rates_; }
  std::int64_t samples() const { return samples_; }
  const std::optional<StepReport>& report() const { return report_; }

  // Means over the parts, the first one that of the loss; waits for the device.
  std::vector<Metric> Read() const;

 private:
  std::int64_t step_;
  std::vector<double> rates_;
  std::vector<std::string> names_;
  at::Tensor sums_;
  std::int64_t parts_ = 0;
  std::int64_t samples_ = 0;
  std::optional<StepReport> report_;
};

}  // namespace fusor
