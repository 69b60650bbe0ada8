#pragma once

// The numbers that a step leaves behind, on the device until somebody asks for them.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trainer/contract/reporter.h"
#include "trainer/cuda/plugin.h"
#include "trainer/engine/task.h"
#include "trainer/optim/step.h"

namespace fusor {

struct StepReading {
  std::vector<Metric> means;   // over the parts, the first one that of the loss
  std::optional<double> norm;  // where it was packed
};

class StepNumbers {
 public:
  StepNumbers(std::int64_t step, std::vector<double> rates)
      : step_(step), rates_(std::move(rates)) {}

  // The loss and values of a part, and how many samples it had.
  void Add(const BatchLoss& loss, std::int64_t samples);
  void SetReport(StepReport report) { report_.emplace(std::move(report)); }
  // Everything that will be read into one tensor on the device, the gradients' norm too if it is
  // there.
  void Pack();
  // What a recorded step left behind when it was run again, as packed.
  void TakeFrom(const StepNumbers& recorded);
  // What is packed starts for the host.
  void Send(CudaPlugin& cuda) { arrival_ = cuda.ToHost(packed_); }

  std::int64_t step() const { return step_; }
  const std::vector<double>& rates() const { return rates_; }
  const std::optional<StepReport>& report() const { return report_; }
  std::int64_t samples() const { return samples_; }

  // Waits for the step; where it was sent, for no other one.
  StepReading Read() const;

 private:
  std::int64_t step_;
  std::vector<double> rates_;
  std::vector<std::string> names_;
  at::Tensor sums_;
  at::Tensor packed_;
  std::int64_t parts_ = 0;
  std::int64_t samples_ = 0;
  std::optional<StepReport> report_;
  std::unique_ptr<CudaArrival> arrival_;
};

}  // namespace fusor
