#pragma once

// What a recipe supplies to the loop: model, data, loss and evaluation. A task knows nothing of
// reporting, checkpoints, clipping or resuming.
//
// Everything random is drawn from (seed, epoch or step, index), never from a generator with a
// state: so the position alone says how to go on, and order does not depend on threads or
// interruptions.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/contract/reporter.h"
#include "trainer/engine/pulse.h"
#include "trainer/models/parameters.h"
#include "trainer/optim/options.h"

namespace fusor {

// An epoch is `steps_per_epoch` steps; the model is evaluated after each and after the last step.
struct Plan {
  std::int64_t steps = 0;
  std::int64_t steps_per_epoch = 1;
};

struct Batch {
  at::Tensor inputs;
  at::Tensor targets;
  std::int64_t samples = 0;
};

struct BatchLoss {
  at::Tensor loss;     // scalar, in fp32
  at::Tensor correct;  // how many predictions were right; undefined where that means nothing
};

// What the loop knows after a step.
struct StepFacts {
  double loss = 0;
  double accuracy = 0;  // of the batch; NaN where that means nothing
  double learning_rate = 0;
  std::optional<double> gradient_norm;
};

enum class Split : std::uint8_t { kValidation, kTest };

struct Selection {
  std::string metric;  // among those of Evaluate(kValidation)
  bool maximize = true;
};

class Task {
 public:
  virtual ~Task() = default;

  // Loads the data and builds the model. A status of kNotFound or kDataLoss means the data is bad.
  virtual Status Prepare(Pulse& pulse) = 0;
  virtual Plan plan() const = 0;
  virtual ParameterSet& parameters() = 0;
  virtual OptimizerOptions optimizer() const = 0;
  // Of a step of the optimiser, from 0; steps that were skipped do not count.
  virtual double LearningRate(std::int64_t step) const = 0;

  virtual Batch TrainingBatch(std::int64_t step) = 0;
  virtual BatchLoss Forward(const Batch& batch) = 0;
  // The points to report for a step; valid until the next call.
  virtual std::span<const Metric> StepMetrics(const StepFacts& facts) = 0;

  // With names such as "val/loss". Gradients are off. Empty: there is no such split.
  virtual std::vector<Metric> Evaluate(Split split, Pulse& pulse) = 0;
  // Which evaluation decides what the best model is; never one of the test split.
  virtual std::optional<Selection> selection() const = 0;
  // Goes into the attempt's record, e.g. the fingerprint of the data.
  virtual std::map<std::string, std::string> Info() const { return {}; }
};

}  // namespace fusor
