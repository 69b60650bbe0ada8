#include "common/recipe/metrics.h"

namespace fusor {

std::vector<MetricInfo> EngineMetrics() {
  return {
      {"train/loss", "mean over the step's samples"},
      {"val/loss", "after each epoch, on data that is not trained on"},
      {"test/loss", "once, of the best model, at its step; decides nothing"},
      {"train/learning_rate",
       "of the step; of each group as train/learning_rate/GROUP where there "
       "are several"},
      {"train/gradient_norm", "of all gradients, before clipping; where something needs it"},
      {"train/compute_bits", "of the type the step computed in, 16 or 32; with adaptive precision"},
      {"system/samples_per_s",
       "of training alone, evaluation left out; once an epoch, like all "
       "that follow"},
      {"system/step_ms_p50", "half of the epoch's steps took no longer"},
      {"system/step_ms_p95", "likewise nineteen of twenty"},
      {"system/epoch_s", "training, evaluation and checkpoints of the epoch"},
      {"system/total_s", "since the attempt began"},
      {"system/memory_allocated_mib", "of the device by tensors; on a CPU what the process holds"},
      {"system/memory_reserved_mib", "of the device, from its driver; on a CPU as allocated"},
      {"system/memory_peak_mib", "the most that was ever allocated"},
  };
}

std::vector<MetricInfo> ClassifierMetrics() {
  return {{"train/accuracy", "share of the step's samples, as they were trained on"},
          {"val/accuracy", "after each epoch, on data that is not trained on"},
          {"test/accuracy", "once, of the best model, at its step; decides nothing"}};
}

}  // namespace fusor
