#pragma once

// A whole step (forward, backward, optimiser) as a CUDA graph: recorded once, then queued as one,
// with other samples and other rates each time. Between steps the host says nothing but these, so
// a step that asks it for anything else cannot be recorded.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/cuda/plugin.h"
#include "trainer/engine/policy.h"
#include "trainer/engine/step_numbers.h"
#include "trainer/engine/task.h"

namespace fusor {

// Why the steps of a run cannot be recorded; empty: they can.
std::string GraphObstacle(const CudaPlugin* cuda, const TrainingPolicy& policy, const Task& task);

class StepGraph {
 public:
  // A part's samples.
  using BatchOf = std::function<Batch(std::int64_t part)>;
  // Queues a step. `rates` lie on the device; undefined: the numbers' own hold.
  using Compute =
      std::function<void(const BatchOf& batch_of, const at::Tensor& rates, StepNumbers& numbers)>;

  // Libraries choose their kernels in steps that are run before.
  static constexpr std::int64_t kWarmUpSteps = 3;

  StepGraph(CudaPlugin& cuda, std::int64_t parts, Compute compute)
      : cuda_(cuda), parts_(parts), compute_(std::move(compute)) {}

  // Records the first time. What cannot be recorded is computed as ever, and problem() says why.
  void Run(const BatchOf& batch_of, StepNumbers& numbers);
  const std::string& problem() const { return problem_; }

 private:
  void Record(const std::vector<Batch>& like, const StepNumbers& numbers);

  CudaPlugin& cuda_;
  const std::int64_t parts_;
  const Compute compute_;
  // What the recorded step reads, and what it leaves behind.
  std::vector<Batch> batches_;
  at::Tensor rates_;
  std::optional<StepNumbers> recorded_;
  std::unique_ptr<CudaGraph> graph_;
  std::string problem_;
};

}  // namespace fusor
