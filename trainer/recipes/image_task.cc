#include "trainer/recipes/image_task.h"

namespace fusor {

ImageTask::ImageTask(const Job& job, const Device& device, Precision precision, ImagePart part)
    : job_(job),
      config_(job_.config),
      device_(device),
      images_(job_, device, part),
      seed_(static_cast<std::uint64_t>(config_.Int("seed"))),
      configured_(precision),
      precision_(precision) {
  if (device_.cuda == nullptr) return;
  dropout_keys_.emplace([this](const at::Tensor& tensor) { return device_.Bring(tensor); });
}

Batch ImageTask::TrainingBatch(MicroStep at) {
  if (dropout_keys_ && at.part == 0) dropout_keys_->Renew(PartIndex(at));
  return images_.TrainingBatch(at);
}

void ImageTask::UseFullPrecision(bool full) {
  precision_ = full ? configured_.Full() : configured_;
}

std::vector<Metric> ImageTask::Evaluate(Split split, Pulse& pulse) {
  if (images_.Count(split) == 0) return {};
  std::vector<Score> scores(heads().size());
  ForEachAnswer(split, {}, [&](const std::vector<at::Tensor>& logits, const at::Tensor& labels) {
    for (std::size_t head = 0; head < scores.size(); ++head) {
      scores[head].Add(logits[head], labels);
    }
    pulse.Beat();
  });
  return Told(std::string(SplitName(split)), scores);
}

void ImageTask::ForEachAnswer(Split split, SampleRange range, const UseAnswers& use) {
  images_.ForEachBatch(
      split, range, [&](const LabelledBatch& batch) { use(Answer(batch.images), batch.labels); });
}

std::map<std::string, std::string> ImageTask::ModelInfo() const {
  return {{"fusor.pixels", images_.normaliser().ToText()}, {"fusor.division", images_.division()}};
}

ComponentFacts ImageTask::FactsOf(const ModelFacts& model) const {
  ComponentFacts facts;
  facts.epoch = model.epoch;
  facts.accuracy = model.accuracy;
  facts.pixels = images_.normaliser().ToText();
  facts.division = images_.division();
  return facts;
}

Pass ImageTask::TrainingPass(MicroStep at) {
  // Parts of a step drop different features.
  return {.precision = precision_,
          .mode = Mode::kTrain,
          .seed = seed_,
          .step = PartIndex(at),
          .dropout_keys = dropout_keys_ ? &*dropout_keys_ : nullptr};
}

}  // namespace fusor
