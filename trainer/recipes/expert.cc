#include "trainer/recipes/expert.h"

#include "common/recipe/image_params.h"
#include "trainer/io/component.h"
#include "trainer/models/network.h"
#include "trainer/recipes/export.h"
#include "trainer/recipes/image_task.h"

namespace fusor {
namespace {

class Expert final : public ImageTask {
 public:
  Expert(const Job& job, const Device& device, Precision precision)
      : ImageTask(job, device, precision, ImagePart::kExpert),
        name_("expert_" + std::to_string(config_.Int("expert"))) {}

  Status Prepare(Pulse& pulse) override {
    RETURN_IF_ERROR(images_.Load(pulse));
    return Build();
  }

  Status Build() override {
    ModelBuilder builder(parameters_, seed_, device_.where);
    NetworkOptions options = NetworkOptionsOf(config_.values());
    options.classes = images_.classes();
    auto network = MakeNetwork(builder, options);
    if (!network.ok()) return network.status();
    network_ = std::move(*network);
    return Ok();
  }

  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    return {{.parameters = parameters_.trained, .rate = config_.Float("learning_rate")}};
  }

  BatchLoss Forward(const Batch& batch) override {
    const at::Tensor logits = network_->Forward(batch.inputs, TrainingPass(batch.at)).logits;
    return {MeanLoss(logits, batch, config_.Float("label_smoothing")),
            {{"train/accuracy", MeanAccuracy(logits, batch)}}};
  }

  std::vector<std::string> heads() const override { return {name_}; }
  std::vector<at::Tensor> Answer(const at::Tensor& inputs) override {
    return {network_->Forward(inputs, EvaluationPass()).logits};
  }

  Result<std::vector<ArtifactReport>> Export(const ModelFacts& model) override {
    if (!IsExported(config_, model)) return std::vector<ArtifactReport>();
    const std::string& architecture = config_.Text("model");
    ComponentFacts facts = FactsOf(model);
    facts.model_architecture = architecture;
    facts.component = name_;
    return ExportComponent(
        "expert_training/checkpoints/" + architecture + "/" + name_ + "_" + model.which,
        Tensors(parameters_), facts, model.step);
  }

  std::map<std::string, std::string> Info() const override {
    auto info = images_.Info();
    info["parameters"] = std::to_string(parameters_.Count());
    return info;
  }

 private:
  std::vector<Metric> Told(const std::string& split,
                           const std::vector<Score>& scores) const override {
    return {{split + "/loss", scores[0].loss()}, {split + "/accuracy", scores[0].accuracy()}};
  }

  const std::string name_;
  ParameterSet parameters_;
  std::unique_ptr<Network> network_;
};

}  // namespace

Result<std::unique_ptr<Task>> MakeExpert(const Job& job, const Device& device) {
  auto precision = Precision::FromName(job.config.Text("precision"), device.cuda != nullptr);
  if (!precision.ok()) return precision.status();
  return std::unique_ptr<Task>(std::make_unique<Expert>(job, device, *precision));
}

}  // namespace fusor
