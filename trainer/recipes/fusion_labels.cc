#include "trainer/recipes/fusion_labels.h"

#include <ctime>
#include <limits>
#include <span>

namespace fusor {
namespace {

double Find(std::span<const Metric> metrics, const std::string& name) {
  for (const Metric& metric : metrics) {
    if (metric.name == name) return metric.value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// UTC, to the second.
std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char buffer[32];
  std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return buffer;
}

}  // namespace

FusionLabels::FusionLabels(const Config& config)
    : architecture_(config.Text("models").empty() ? config.Text("model") : "mixed"),
      fusion_(config.Text("fusion")) {
  const double alpha = config.Float("alpha");
  if (alpha == 1) return;
  std::string text = DisplayText(alpha);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  alpha_ = "_alpha_" + text;
}

std::string FusionLabels::Expert(const std::string& split, std::size_t k) const {
  return split + "/expert_" + std::to_string(k);
}

std::string FusionLabels::LogFile() const {
  return "csv_logs/" + architecture_ + "_fusions/" + architecture_ + "_" + fusion_ + alpha_ +
         "_training_log.csv";
}

std::string FusionLabels::ComponentStem(const std::string& folder, const std::string& part,
                                        const std::string& which) const {
  return "fusion_checkpoints/" + architecture_ + "_fusions/" + fusion_ + "/" + folder +
         architecture_ + "_" + part + alpha_ + "_" + which;
}

std::vector<CsvLog::Cell> FusionLogRow(const Config& config, const FusionLabels& names,
                                       const EpochFacts& facts, std::size_t experts) {
  const double total = Find(facts.means, "train/loss");
  const bool frozen = facts.learning_rates.size() == 2;
  const double experts_rate = frozen ? 0 : facts.learning_rates[0];
  std::vector<CsvLog::Cell> row = {
      {"epoch", static_cast<double>(facts.epoch)},
      {"train_loss", total},
      {"val_loss", Find(facts.evaluation, "val/loss_global")},
      {"val_accuracy", Find(facts.evaluation, "val/accuracy")},
      {"experts_lr", experts_rate},
      {"fusion_lr", facts.learning_rates[facts.learning_rates.size() - 2]},
      {"global_head_lr", facts.learning_rates.back()},
      {"loss_global", Find(facts.means, "train/loss_global")},
      {"loss_individual", Find(facts.means, "train/loss_individual")},
      {"loss_total", total},
  };
  for (const char* what : {"accuracy", "loss"}) {
    for (std::size_t k = 0; k < experts; ++k) {
      const std::string column = "expert_" + std::to_string(k) + "_" + what;
      row.push_back({column, Find(facts.evaluation, names.Expert("val", k) + "_" + what)});
    }
  }
  row.push_back({"alpha", config.Float("alpha")});
  row.push_back({"fusion_type", 0, config.Text("fusion")});
  row.push_back({"model_architecture", 0, names.architecture()});
  row.push_back({"timestamp", 0, Now()});
  return row;
}

}  // namespace fusor
