#include "trainer/process/evaluation.h"

#include <utility>

#include "trainer/data/pictures.h"
#include "trainer/io/atomic_file.h"
#include "trainer/recipes/classifier.h"

namespace fusor {
namespace {

Status NoSplit(const TrainedModel& trained, Split split) {
  return NotFound("the recipe " + trained.job.recipe->name + " has nothing to evaluate in split '" +
                  std::string(SplitName(split)) + "'");
}

}  // namespace

Result<Evaluation> EvaluateSplit(const TrainedModel& trained, TrainedTask& opened, Split split) {
  Evaluation evaluation;
  Classifier* classifier = opened.task().classifier();
  if (classifier == nullptr) {
    evaluation.metrics = opened.task().Evaluate(split, opened.pulse());
    if (evaluation.metrics.empty()) return NoSplit(trained, split);
    return evaluation;
  }
  for (const std::string& head : classifier->heads()) {
    evaluation.heads.push_back({head, Score(), Confusion(classifier->classes())});
  }
  classifier->ForEachAnswer(split, {},
                            [&](const std::vector<at::Tensor>& logits, const at::Tensor& labels) {
                              for (std::size_t k = 0; k < logits.size(); ++k) {
                                evaluation.heads[k].score.Add(logits[k], labels);
                                evaluation.heads[k].confusion.Add(logits[k], labels);
                              }
                              evaluation.samples += labels.size(0);
                            });
  if (evaluation.samples == 0) return NoSplit(trained, split);
  evaluation.class_names =
      ReadClassNames(trained.job.datasets_dir, trained.job.config.Text("data"));
  return evaluation;
}

Result<std::vector<std::string>> WriteEvaluation(const Evaluation& evaluation, Split split,
                                                 const std::string& folder) {
  std::vector<std::string> written;
  for (const Judgement& head : evaluation.heads) {
    std::string stem = folder + "/" + std::string(SplitName(split));
    if (!written.empty()) stem += "_" + head.head;
    for (const auto& [path, text] :
         {std::pair(stem + "_confusion.csv", head.confusion.MatrixCsv(evaluation.class_names)),
          std::pair(stem + "_per_class.csv", head.confusion.ClassesCsv(evaluation.class_names))}) {
      RETURN_IF_ERROR(WriteFileAtomically(path, text));
      written.push_back(path);
    }
  }
  return written;
}

}  // namespace fusor
