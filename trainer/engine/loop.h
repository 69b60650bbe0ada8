#pragma once

// The one training loop. It owns everything that is not the recipe's: clipping, the optimiser's
// step, what is reported when, checkpoints, evaluation, resuming, obeying commands.
//
//   data -> forward -> loss -> backward -> clip -> step -> report -> evaluate -> checkpoint
//
// Evaluation comes before the checkpoint of the same step, so that a run taken up at an epoch's end
// has that epoch's evaluation behind it. One thread; files go below the current directory.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/base/outcome.h"
#include "common/base/status.h"
#include "trainer/contract/control.h"
#include "trainer/contract/job.h"
#include "trainer/contract/reporter.h"
#include "trainer/engine/checkpoint.h"
#include "trainer/engine/pulse.h"
#include "trainer/engine/task.h"
#include "trainer/io/csv_log.h"

namespace fusor {

struct LoopOptions {
  CheckpointPolicy checkpoint;
  double clip_norm = 0;           // 0: gradients are not clipped
  bool stop_on_nonfinite = true;  // else the step of a non-finite loss is passed over
  bool scale_loss = false;        // dynamically, as fp16 needs it
  LossScalerPolicy scaling;       // how, then
  std::optional<JobResume> resume;
  RunIdentity identity;
  std::map<std::string, std::string> info;  // of the program and the machine
};

class Loop {
 public:
  Loop(LoopOptions options, Task& task, Reporter& reporter, Control& control);

  // How the run ended; not yet reported. Throws what LibTorch throws.
  Outcome Run();
  std::int64_t step() const { return position_.step; }

 private:
  using Clock = std::chrono::steady_clock;

  Status Start();
  // Whether going on is bit for bit what going straight would have been.
  Result<bool> Resume(const JobResume& resume);
  // An outcome when the loss ends the run.
  std::optional<Outcome> Step();
  // Backward, clip and step; leaves everything alone when a gradient overflowed. Not ok when the
  // loss cannot be scaled down any further.
  Status Learn(const at::Tensor& loss, StepFacts& facts);
  void Place();
  bool CheckpointDue() const;
  Status Checkpoint();
  Status Evaluate();
  void ReportSpeed();
  Status KeepIfBest(const std::vector<Metric>& values);
  Status Log(const std::vector<Metric>& values);
  Status Finish();

  const LoopOptions options_;
  Task& task_;
  Reporter& reporter_;
  Control& control_;
  Pulse pulse_;
  Plan plan_;
  std::optional<Optimizer> optimizer_;
  Position position_;
  CsvLog log_;
  std::int64_t started_step_ = 0;        // where this attempt began
  std::int64_t checkpointed_step_ = -1;  // of this attempt's newest checkpoint
  Clock::time_point checkpointed_at_;
  std::optional<LossScaler> scaler_;
  // Of the training steps since the last evaluation.
  std::int64_t trained_samples_ = 0;
  Clock::duration trained_time_{};
};

}  // namespace fusor
