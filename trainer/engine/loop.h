#pragma once

// The one training loop. It owns everything that is not the recipe's: accumulation, clipping, the
// optimiser's step, what is reported when, checkpoints, evaluation, resuming, obeying commands.
//
//   data -> forward -> loss -> backward -> (accumulate) -> clip -> step -> report
//        -> evaluate -> checkpoint
//
// Evaluation comes before the checkpoint of the same step, so that a run taken up at an epoch's end
// has that epoch's evaluation behind it. One thread; files go below the current directory.
//
// On a GPU a step's numbers are read when the next step has been queued, so that nothing waits; a
// loss that is not finite then ends the run one step later. Where a step may be passed over
// (`scale_loss`, `on_nonfinite: continue`) or precision adapts, its numbers are read at once, as on
// a CPU. Where nothing but samples and rates differ from step to step, steps are recorded as a CUDA
// graph (step_graph.h).

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/outcome.h"
#include "common/base/status.h"
#include "trainer/contract/control.h"
#include "trainer/contract/job.h"
#include "trainer/contract/reporter.h"
#include "trainer/engine/checkpoint.h"
#include "trainer/engine/early_stop.h"
#include "trainer/engine/kept_buffers.h"
#include "trainer/engine/memory_kinds.h"
#include "trainer/engine/policy.h"
#include "trainer/engine/pulse.h"
#include "trainer/engine/speed.h"
#include "trainer/engine/step_graph.h"
#include "trainer/engine/step_numbers.h"
#include "trainer/engine/task.h"
#include "trainer/io/csv_log.h"

namespace fusor {

struct LoopOptions {
  using Clock = std::chrono::steady_clock;

  TrainingPolicy policy;
  CheckpointPolicy checkpoint;
  std::optional<JobResume> resume;
  RunIdentity identity;
  std::map<std::string, std::string> info;  // of the program and the machine
  bool read_late = false;                   // numbers of a step wait on a GPU
  CudaPlugin* cuda = nullptr;               // the trial's GPU
  std::function<MemoryUse()> memory;        // empty: not recorded
  std::function<Clock::time_point()> now = Clock::now;
};

class Loop {
 public:
  Loop(LoopOptions options, Task& task, Reporter& reporter, Control& control);

  // How the run ended; not yet reported. Throws what LibTorch throws.
  Outcome Run();
  std::int64_t step() const { return position_.step; }
  // Nothing before the data is loaded and the model built.
  const std::optional<MemoryKinds>& memory_kinds() const { return memory_kinds_; }

 private:
  // An outcome, here and below, when the run ends there.
  std::optional<Outcome> Obey(const Wishes& wishes);
  std::optional<Outcome> Step();
  std::optional<Outcome> EndEpoch();

  Status Start();
  // Says how the data was divided; then training begins.
  Status Begin();
  Status TakeUpPolicies();
  void MakeOptimizer();
  // Whether going on is bit for bit what going straight would have been.
  Result<bool> Resume(const JobResume& resume);

  // Forward, loss and backward of each part, and the optimiser's step.
  void Compute(const StepGraph::BatchOf& batch_of, const at::Tensor& rates, StepNumbers& numbers);
  bool AddUpGradients(const StepGraph::BatchOf& batch_of, StepNumbers& numbers);
  Status DecideOnGraph(StartedReport& report);
  // As one graph, where that has been decided and enough steps were made before.
  void ComputeByGraph(const StepGraph::BatchOf& batch_of, StepNumbers& numbers);
  double LossScale() const;
  StepInput InputOf(const StepNumbers& numbers) const;
  void ClipEach(StepInput& input) const;
  // Of the step with this many applied ones before it.
  std::vector<double> RatesAt(std::int64_t applied) const;
  // Whether a step's numbers set out for the host by themselves.
  bool SendsNumbers() const { return options_.cuda != nullptr && options_.read_late; }
  std::optional<Outcome> Report(StepNumbers numbers);
  // Reads and reports what a step left behind.
  std::optional<Outcome> Settle(const StepNumbers& numbers);
  std::optional<Outcome> SettleWaiting();
  // As that, outside of a step.
  std::optional<Outcome> Drain();
  std::optional<Outcome> UpdateScale(const std::optional<StepReport>& report, bool applied);
  void Adapt(std::int64_t step, double loss);
  void Place();
  bool CheckpointDue() const;
  Status Checkpoint();
  Status Evaluate();
  std::vector<Metric> Judge(Split split);
  void Tune(bool training);
  Status KeepIfBest(const std::vector<Metric>& values);
  void Watch(const std::vector<Metric>& values);
  // The model as it is now.
  Status SaveTo(const char* file);
  Status Log(const std::vector<Metric>& evaluation);
  Status Finish();
  void Test();
  Status Export(const char* which, std::int64_t step, double value);

  using Clock = LoopOptions::Clock;

  const LoopOptions options_;
  const TrainingPolicy& policy_;
  Task& task_;
  Reporter& reporter_;
  Control& control_;
  Pulse pulse_;
  Plan plan_;
  std::vector<TrainedGroup> groups_;
  std::optional<Schedule> schedule_;  // for a rate of 1
  std::optional<Optimizer> optimizer_;
  std::optional<LossScaler> scaler_;
  std::optional<PrecisionSwitch> switch_;
  std::optional<EarlyStop> early_stop_;
  std::optional<KeptBuffers> buffers_;  // where steps may be passed over
  std::optional<MemoryKinds> memory_kinds_;
  Position position_;
  std::optional<StepNumbers> waiting_;
  std::optional<StepGraph> graph_;
  std::int64_t graph_begins_ = 0;  // the step from which on
  std::vector<double> last_rates_;
  CsvLog log_;
  Speed speed_;
  std::int64_t started_step_ = 0;        // where this attempt began
  std::int64_t checkpointed_step_ = -1;  // of this attempt's newest checkpoint
  Clock::time_point checkpointed_at_;
};

}  // namespace fusor
