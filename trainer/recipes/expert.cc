#include "trainer/recipes/expert.h"

#include "common/recipe/image_params.h"
#include "trainer/io/component.h"
#include "trainer/models/network.h"
#include "trainer/precision/precision.h"
#include "trainer/recipes/classify.h"
#include "trainer/recipes/export.h"
#include "trainer/recipes/images.h"

namespace fusor {
namespace {

class Expert final : public Task {
 public:
  Expert(const Job& job, const Device& device, Precision precision)
      : job_(job),
        config_(job_.config),
        configured_(precision),
        precision_(precision),
        device_(device),
        images_(job_, device, ImagePart::kExpert),
        seed_(static_cast<std::uint64_t>(config_.Int("seed"))) {}

  Status Prepare(Pulse& pulse) override {
    RETURN_IF_ERROR(images_.Load(pulse));
    ModelBuilder builder(parameters_, seed_, device_.where);
    NetworkOptions options = NetworkOptionsOf(config_.values());
    options.classes = images_.classes();
    auto network = MakeNetwork(builder, options);
    if (!network.ok()) return network.status();
    network_ = std::move(*network);
    return Ok();
  }

  Plan plan() const override { return images_.plan(); }
  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    return {{.parameters = parameters_.trained, .rate = config_.Float("learning_rate")}};
  }

  Batch TrainingBatch(MicroStep at) override {
    at_ = at;
    return images_.TrainingBatch(at);
  }

  BatchLoss Forward(const Batch& batch) override {
    const at::Tensor logits = network_->Forward(batch.inputs, TrainingPass()).logits;
    return {MeanLoss(logits, batch, config_.Float("label_smoothing")),
            {{"train/accuracy", MeanAccuracy(logits, batch)}}};
  }

  void UseFullPrecision(bool full) override {
    precision_ = full ? configured_.Full() : configured_;
  }

  std::vector<Metric> Evaluate(Split split, Pulse& pulse) override {
    if (images_.Count(split) == 0) return {};
    Score score;
    images_.ForEachBatch(split, [&](const LabelledBatch& batch) {
      score.Add(network_->Forward(batch.images, {.precision = precision_}).logits, batch.labels);
      pulse.Beat();
    });
    const std::string name = split == Split::kTest ? "test" : "val";
    return {{name + "/loss", score.loss()}, {name + "/accuracy", score.accuracy()}};
  }

  std::optional<Selection> selection() const override { return Selection{"val/accuracy", true}; }

  Result<std::vector<ArtifactReport>> Export(const ModelFacts& model) override {
    if (!IsExported(config_, model)) return std::vector<ArtifactReport>();
    const std::string expert = "expert_" + std::to_string(config_.Int("expert"));
    const std::string& name = config_.Text("model");
    ComponentFacts facts = FactsOf(model);
    facts.model_architecture = name;
    facts.component = expert;
    return ExportComponent("expert_training/checkpoints/" + name + "/" + expert + "_" + model.which,
                           Tensors(parameters_), facts, model.step);
  }

  Result<std::vector<ArtifactReport>> WriteData() override { return images_.WriteSplits(); }

  std::map<std::string, std::string> Info() const override {
    auto info = images_.Info();
    info["parameters"] = std::to_string(parameters_.Count());
    return info;
  }

 private:
  Pass TrainingPass() const {
    // Parts of a step drop different features.
    const std::int64_t index = at_.step * config_.Int("accumulate") + at_.part;
    return {.precision = precision_, .mode = Mode::kTrain, .seed = seed_, .step = index};
  }

  const Job job_;
  const Config& config_;
  const Precision configured_;
  Precision precision_;  // which the next forward computes in
  const Device device_;
  Images images_;
  const std::uint64_t seed_;
  ParameterSet parameters_;
  std::unique_ptr<Network> network_;
  MicroStep at_;
};

}  // namespace

Result<std::unique_ptr<Task>> MakeExpert(const Job& job, const Device& device) {
  auto precision = Precision::FromName(job.config.Text("precision"), device.cuda != nullptr);
  if (!precision.ok()) return precision.status();
  return std::unique_ptr<Task>(std::make_unique<Expert>(job, device, *precision));
}

}  // namespace fusor
