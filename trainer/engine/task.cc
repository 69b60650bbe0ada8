#include "trainer/engine/task.h"

namespace fusor {

std::string_view SplitName(Split split) {
  if (split == Split::kTraining) return "train";
  return split == Split::kValidation ? "val" : "test";
}

void Task::Backward(const BatchLoss& loss, double scale) {
  (scale == 1 ? loss.loss : loss.loss.mul(scale)).backward();
}

std::span<const Metric> Task::StepMetrics(const StepFacts& facts) {
  step_metrics_.clear();
  step_metrics_.push_back({"train/loss", facts.loss});
  for (const Metric& value : facts.values) step_metrics_.push_back(value);
  for (std::size_t i = 0; i < facts.groups.size(); ++i) {
    const std::string& group = facts.groups[i].name;
    step_metrics_.push_back(
        {"train/learning_rate" + (group.empty() ? "" : "/" + group), facts.learning_rates[i]});
  }
  if (facts.gradient_norm) step_metrics_.push_back({"train/gradient_norm", *facts.gradient_norm});
  return step_metrics_;
}

std::vector<CsvLog::Cell> Task::LogRow(const EpochFacts& facts) {
  std::vector<CsvLog::Cell> row = {{"epoch", static_cast<double>(facts.epoch)},
                                   {"step", static_cast<double>(facts.step)},
                                   {"learning_rate", facts.learning_rates.front()}};
  for (const Metric& metric : facts.means) row.push_back({metric.name, metric.value});
  for (const Metric& metric : facts.evaluation) row.push_back({metric.name, metric.value});
  return row;
}

}  // namespace fusor
