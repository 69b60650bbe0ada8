#pragma once

// How good a trained model is on a split, and what of it stays in files.

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/contract/reporter.h"
#include "trainer/engine/task.h"
#include "trainer/process/trained_model.h"
#include "trainer/recipes/classify.h"
#include "trainer/recipes/confusion.h"

namespace fusor {

// Of one head: of a fusion, or of each of its experts.
struct Judgement {
  std::string head;
  Score score;
  Confusion confusion;
};

struct Evaluation {
  std::int64_t samples = 0;
  std::vector<Judgement> heads;          // of a classifier; the model's own answer is the first
  std::vector<Metric> metrics;           // of what is none: what training reports
  std::vector<std::string> class_names;  // none where the data's folder has none
};

Result<Evaluation> EvaluateSplit(const TrainedModel& trained, TrainedTask& opened, Split split);

// {split}_confusion.csv and {split}_per_class.csv of the model's own answer, and of other heads
// with the head's name behind the split's. Their paths.
Result<std::vector<std::string>> WriteEvaluation(const Evaluation& evaluation, Split split,
                                                 const std::string& folder);

}  // namespace fusor
