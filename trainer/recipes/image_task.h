#pragma once

// What recipes that classify images have in common: everything but the model and its losses.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "trainer/contract/job.h"
#include "trainer/engine/device.h"
#include "trainer/engine/task.h"
#include "trainer/io/component.h"
#include "trainer/models/dropout_keys.h"
#include "trainer/models/pass.h"
#include "trainer/precision/precision.h"
#include "trainer/recipes/classifier.h"
#include "trainer/recipes/classify.h"
#include "trainer/recipes/images.h"

namespace fusor {

class ImageTask : public Task, public Classifier {
 public:
  Plan plan() const override { return images_.plan(); }
  Batch TrainingBatch(MicroStep at) override;
  std::string GraphObstacle() const override { return {}; }
  void UseFullPrecision(bool full) override;
  std::vector<Metric> Evaluate(Split split, Pulse& pulse) override;
  std::optional<Selection> selection() const override { return Selection{"val/accuracy", true}; }
  Result<std::vector<ArtifactReport>> WriteData() override { return images_.WriteSplits(); }
  std::map<std::string, std::string> ModelInfo() const override;
  Status CheckFiles() override { return images_.CheckFiles(); }
  Classifier* classifier() override { return this; }
  std::uint64_t data_bytes() const override { return images_.Bytes(); }

  int classes() const override { return images_.classes(); }
  void ForEachAnswer(Split split, SampleRange range, const UseAnswers& use) override;

 protected:
  ImageTask(const Job& job, const Device& device, Precision precision, ImagePart part);

  // The metrics of a split, from each head's score.
  virtual std::vector<Metric> Told(const std::string& split,
                                   const std::vector<Score>& scores) const = 0;
  // What is known of every part of the model.
  ComponentFacts FactsOf(const ModelFacts& model) const;
  Pass TrainingPass(MicroStep at);
  Pass EvaluationPass() const { return {.precision = precision_}; }

  const Job job_;
  const Config& config_;
  const Device device_;
  Images images_;
  const std::uint64_t seed_;

 private:
  // What an attempt's steps draw with, counting their parts.
  std::int64_t PartIndex(MicroStep at) const {
    return at.step * config_.Int("accumulate") + at.part;
  }

  const Precision configured_;
  std::optional<DropoutKeys> dropout_keys_;  // on a GPU
  Precision precision_;                      // which the next forward computes in
};

}  // namespace fusor
