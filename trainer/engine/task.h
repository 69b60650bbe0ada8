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
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "trainer/contract/reporter.h"
#include "trainer/engine/pulse.h"
#include "trainer/io/csv_log.h"
#include "trainer/models/parameters.h"

namespace fusor {

// An epoch is `steps_per_epoch` steps; the model is evaluated after each and after the last step.
struct Plan {
  std::int64_t steps = 0;
  std::int64_t steps_per_epoch = 1;
};

// Parameters that are trained alike.
struct TrainedGroup {
  std::string name;  // empty where there is one group alone
  std::vector<Parameter> parameters;
  double rate = 0;                  // the highest; the schedule moves it
  std::optional<double> clip_norm;  // of this group alone; else all groups are clipped together
  std::int64_t frozen_steps = 0;    // at the beginning, in which the group gets no gradients
};

// A part of a step: the step's batch comes in as many micro-batches as gradients are added up.
struct MicroStep {
  std::int64_t step = 0;
  std::int64_t part = 0;
};

struct Batch {
  MicroStep at;
  at::Tensor inputs;
  at::Tensor targets;
  // Where samples are mixed in pairs: the partners' targets, and the weight of the own ones.
  at::Tensor partner_targets;
  double share = 1;
  at::Tensor shares;  // {share, 1 - share} beside the tensors; undefined: `share` holds
  std::int64_t samples = 0;
};

struct NamedValue {
  std::string name;  // as it is recorded, "train/accuracy"
  at::Tensor value;  // scalar: a mean over the batch
};

struct BatchLoss {
  at::Tensor loss;                 // scalar, in fp32; recorded as train/loss
  std::vector<NamedValue> values;  // the same names at every step
};

// What the loop knows after a step. The texts live as long as the task.
struct StepFacts {
  std::int64_t step = 0;  // from 1
  double loss = 0;
  std::span<const Metric> values;          // of BatchLoss
  std::span<const TrainedGroup> groups;    // with their names
  std::span<const double> learning_rates;  // of each group
  std::optional<double> gradient_norm;
};

// What it knows after an epoch's evaluation.
struct EpochFacts {
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  std::span<const Metric> means;           // train/loss and BatchLoss::values since the last one
  std::span<const Metric> evaluation;      // of Evaluate(kValidation)
  std::span<const double> learning_rates;  // of the last step, for each group
};

enum class Split : std::uint8_t { kTraining, kValidation, kTest };

// "train", "val", "test": what metrics' names begin with.
std::string_view SplitName(Split split);

class Classifier;

struct Selection {
  std::string metric;  // among those of Evaluate(kValidation)
  bool maximize = true;
};

// Which of a run's models is meant, and how good it was.
struct ModelFacts {
  std::string which;  // "best" or "last"
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  std::optional<double> accuracy;  // the selection metric's value then
};

class Task {
 public:
  virtual ~Task() = default;

  // Loads the data and builds the model. A status of kNotFound or kDataLoss means the data is bad.
  virtual Status Prepare(Pulse& pulse) = 0;
  virtual Plan plan() const = 0;
  // Everything that a checkpoint keeps.
  virtual ParameterSet& parameters() = 0;
  // What is trained of it, and how fast. The same at every call.
  virtual std::vector<TrainedGroup> groups() = 0;

  virtual Batch TrainingBatch(MicroStep at) = 0;
  virtual BatchLoss Forward(const Batch& batch) = 0;
  // Why a step cannot be recorded and run again with another batch; empty: it can. Then all that
  // Forward and Backward read is in the batch or in memory that TrainingBatch() renews.
  virtual std::string GraphObstacle() const { return "the recipe's steps are not made for it"; }
  // From now on forward and backward compute in fp32, or again in the configured precision.
  virtual void UseFullPrecision(bool) {}
  // Adds the gradients of `scale` times the loss.
  virtual void Backward(const BatchLoss& loss, double scale);
  // The points to report for a step; valid until the next call.
  virtual std::span<const Metric> StepMetrics(const StepFacts& facts);

  // With names such as "val/loss". Gradients are off. Empty: there is no such split.
  virtual std::vector<Metric> Evaluate(Split split, Pulse& pulse) = 0;
  // Which evaluation decides what the best model is; never one of the test split.
  virtual std::optional<Selection> selection() const = 0;
  // Which one tells whether the run still gets better (`early_stop`).
  virtual std::optional<Selection> objective() const { return selection(); }
  // The epoch's row of the table that the run writes, and the table's file.
  virtual std::vector<CsvLog::Cell> LogRow(const EpochFacts& facts);
  virtual std::string log_file() const { return "log.csv"; }
  // Writes what others can use of the model as parameters() holds it now; below the current
  // directory.
  virtual Result<std::vector<ArtifactReport>> Export(const ModelFacts&) {
    return std::vector<ArtifactReport>();
  }
  // Writes what others can use of how the data was divided; once, after Prepare.
  virtual Result<std::vector<ArtifactReport>> WriteData() { return std::vector<ArtifactReport>(); }
  // What files of the model say besides its tensors, to be used without the data.
  virtual std::map<std::string, std::string> ModelInfo() const { return {}; }
  // Whether the files that the configuration names are there and fit. Reads no samples; alone of
  // all, without Prepare, and on the device `meta` too.
  virtual Status CheckFiles() { return Ok(); }
  // Set where the model chooses among classes.
  virtual Classifier* classifier() { return nullptr; }
  // Of samples that lie in memory, for a run that runs out of it.
  virtual std::uint64_t data_bytes() const { return 0; }
  // Goes into the attempt's record, e.g. the fingerprint of the data.
  virtual std::map<std::string, std::string> Info() const { return {}; }

 private:
  std::vector<Metric> step_metrics_;
};

}  // namespace fusor
