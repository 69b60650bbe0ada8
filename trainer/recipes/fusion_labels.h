#pragma once

// What a fusion's files, columns and metrics are called: as published results were.

#include <string>
#include <vector>

#include "common/recipe/recipe.h"
#include "trainer/engine/task.h"

namespace fusor {

class FusionLabels {
 public:
  explicit FusionLabels(const Config& config);

  // "val/expert_2"
  std::string Expert(const std::string& split, std::size_t k) const;
  const std::string& architecture() const { return architecture_; }
  std::string LogFile() const;
  // fusion_checkpoints/{model}_fusions/{fusion}/experts/{model}_expert_0_best and the like.
  std::string ComponentStem(const std::string& folder, const std::string& part,
                            const std::string& which) const;

 private:
  std::string architecture_;  // "mixed" where experts differ
  std::string fusion_;
  std::string alpha_;  // "_alpha_0.5"; empty for 1
};

// A row of the published table: rates, losses, what each expert reached on validation.
std::vector<CsvLog::Cell> FusionLogRow(const Config& config, const FusionLabels& names,
                                       const EpochFacts& facts, std::size_t experts);

}  // namespace fusor
