#include "trainer/recipes/expert.h"

#include <ATen/ops/cross_entropy_loss.h>

#include <limits>
#include <numeric>
#include <optional>

#include "trainer/data/cifar.h"
#include "trainer/data/loader.h"
#include "trainer/data/split.h"
#include "trainer/data/synthetic.h"
#include "trainer/models/resnet.h"
#include "trainer/optim/schedule.h"
#include "trainer/precision/precision.h"

namespace fusor {
namespace {

constexpr std::size_t kEvaluationBatch = 256;

Result<ImageData> ReadImages(const Job& job) {
  const std::string& name = job.config.Text("data");
  if (name == "synthetic") return MakeSyntheticImages();
  if (name == "cifar10") return ReadCifar10(job.datasets_dir);
  return ReadCifar100(job.datasets_dir);
}

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels,
                        at::Reduction::Reduction reduction, double smoothing) {
  return at::cross_entropy_loss(logits, labels, {}, reduction, /*ignore_index=*/-100, smoothing);
}

at::Tensor CountCorrect(const at::Tensor& logits, const at::Tensor& labels) {
  return logits.detach().argmax(1).eq(labels).sum();
}

class Expert final : public Task {
 public:
  Expert(const Job& job, const Device& device, Precision precision)
      : job_(job), config_(job_.config), precision_(precision), device_(device) {}

  Status Prepare(Pulse& pulse) override {
    auto data = ReadImages(job_);
    if (!data.ok()) return data.status();
    data_ = std::move(*data);
    pulse.Beat();
    RETURN_IF_ERROR(MakeLoader());
    pulse.Beat();
    ModelBuilder builder(parameters_, Seed(), device_.where);
    model_.emplace(builder,
                   ResNetOptions{config_.Int("depth"), config_.Int("width"), data_.classes});
    return Ok();
  }

  Plan plan() const override {
    const std::int64_t per_epoch = loader_->steps_per_epoch();
    return {per_epoch * config_.Int("epochs"), per_epoch};
  }
  ParameterSet& parameters() override { return parameters_; }
  OptimizerOptions optimizer() const override {
    const double momentum = config_.Float("momentum");
    return {.weight_decay = config_.Float("weight_decay"),
            .momentum = momentum,
            .nesterov = momentum > 0};
  }
  double LearningRate(std::int64_t step) const override {
    return CosineRate(config_.Float("learning_rate"), 0, step, plan().steps);
  }

  Batch TrainingBatch(std::int64_t step) override {
    ImageBatch batch = loader_->At(step);
    return {device_.Bring(batch.images), device_.Bring(batch.labels), batch.labels.size(0)};
  }

  BatchLoss Forward(const Batch& batch) override {
    at::Tensor logits = model_->Forward(batch.inputs, {precision_, Mode::kTrain}).logits;
    return {
        CrossEntropy(logits, batch.targets, at::Reduction::Mean, config_.Float("label_smoothing")),
        CountCorrect(logits, batch.targets)};
  }

  std::span<const Metric> StepMetrics(const StepFacts& facts) override {
    metrics_.resize(3);
    metrics_[0] = {"train/loss", facts.loss};
    metrics_[1] = {"train/accuracy", facts.accuracy};
    metrics_[2] = {"train/learning_rate", facts.learning_rate};
    if (facts.gradient_norm) metrics_.push_back({"train/gradient_norm", *facts.gradient_norm});
    return metrics_;
  }

  std::vector<Metric> Evaluate(Split split, Pulse& pulse) override {
    if (split == Split::kTest) {
      std::vector<std::uint32_t> all(data_.test.size());
      std::iota(all.begin(), all.end(), 0);
      return Score(data_.test, all, "test", pulse);
    }
    return Score(data_.train, validation_, "val", pulse);
  }

  std::optional<Selection> selection() const override { return Selection{"val/accuracy", true}; }

  std::map<std::string, std::string> Info() const override {
    return {{"data." + data_.name, data_.fingerprint},
            {"parameters", std::to_string(parameters_.Count())},
            {"train_images", std::to_string(train_.size())}};
  }

 private:
  std::uint64_t Seed() const { return static_cast<std::uint64_t>(config_.Int("seed")); }

  AugmentOptions Augment() const {
    if (!config_.Bool("augment")) return {};
    return {.crop_padding = 4, .flip = true};
  }

  Status MakeLoader() {
    const Share share = config_.Text("share") == "overlap" ? Share::kOverlap : Share::kFull;
    const std::vector<int>& labels = data_.train.labels;
    DataSplit split = SplitTraining(labels, {}, PublishedHoldout(data_.name, labels.size()));
    validation_ = std::move(split.expert_validation);
    train_ = ShareOf(labels, split.expert_train, share, static_cast<int>(config_.Int("expert")));
    const auto subset = static_cast<std::size_t>(config_.Int("subset"));
    if (subset > 0) train_ = Subset(labels, train_, subset, 0);
    const std::int64_t batch_size = config_.Int("batch_size");
    if (static_cast<std::int64_t>(train_.size()) < batch_size) {
      return DataLoss(data_.name + ": " + std::to_string(train_.size()) +
                      " training images are fewer than batch_size " + std::to_string(batch_size));
    }
    normaliser_.emplace(data_.train, train_);
    loader_.emplace(data_.train, *normaliser_, train_,
                    LoaderOptions{.seed = Seed(), .batch_size = batch_size, .augment = Augment()});
    return Ok();
  }

  std::vector<Metric> Score(const ImageSet& set, const std::vector<std::uint32_t>& indices,
                            const std::string& name, Pulse& pulse) {
    double loss = 0;
    double correct = 0;
    for (std::size_t first = 0; first < indices.size(); first += kEvaluationBatch) {
      const std::size_t count = std::min(kEvaluationBatch, indices.size() - first);
      ImageBatch batch = PlainBatch(set, *normaliser_, std::span(indices).subspan(first, count));
      at::Tensor labels = device_.Bring(batch.labels);
      at::Tensor logits =
          model_->Forward(device_.Bring(batch.images), {precision_, Mode::kEvaluate}).logits;
      // Sums, so that a smaller last batch weighs what it should.
      loss += CrossEntropy(logits, labels, at::Reduction::Sum, 0).item<double>();
      correct += CountCorrect(logits, labels).item<double>();
      pulse.Beat();
    }
    const double count = static_cast<double>(indices.size());
    return {{name + "/loss", loss / count}, {name + "/accuracy", correct / count}};
  }

  const Job job_;
  const Config& config_;
  const Precision precision_;
  const Device device_;
  ImageData data_;
  std::vector<std::uint32_t> train_;
  std::vector<std::uint32_t> validation_;
  std::optional<Normaliser> normaliser_;
  std::optional<TrainingLoader> loader_;
  ParameterSet parameters_;
  std::optional<ResNet> model_;
  std::vector<Metric> metrics_;
};

}  // namespace

Result<std::unique_ptr<Task>> MakeExpert(const Job& job, const Device& device) {
  auto precision = Precision::FromName(job.config.Text("precision"), device.cuda != nullptr);
  if (!precision.ok()) return precision.status();
  return std::unique_ptr<Task>(std::make_unique<Expert>(job, device, *precision));
}

}  // namespace fusor
