#include "trainer/recipes/fusion.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <iterator>

#include "trainer/recipes/export.h"
#include "trainer/recipes/fused_model.h"
#include "trainer/recipes/fusion_labels.h"
#include "trainer/recipes/fusion_rates.h"
#include "trainer/recipes/image_task.h"
#include "trainer/recipes/initial.h"
#include "trainer/recipes/pcgrad.h"

namespace fusor {
namespace {

class FusionTask final : public ImageTask {
 public:
  FusionTask(const Job& job, const Device& device, Precision precision)
      : ImageTask(job, device, precision, ImagePart::kFusion), names_(config_) {}

  Status Prepare(Pulse& pulse) override {
    RETURN_IF_ERROR(images_.Load(pulse));
    RETURN_IF_ERROR(Build());
    pulse.Beat();
    at::NoGradGuard no_grad;
    return FillInitial(job_, images_.division(), model_->experts(), model_->parameters());
  }

  Status Build() override {
    auto model = FusedModel::Make(FusedOptionsOf(config_, images_.classes()), device_.where);
    if (!model.ok()) return model.status();
    model_ = std::move(*model);
    return Ok();
  }

  Status CheckFiles() override {
    RETURN_IF_ERROR(Build());
    const Status parts = FillInitial(job_, "", model_->experts(), model_->parameters());
    const Status splits = ImageTask::CheckFiles();
    if (parts.ok() || splits.ok()) return parts.ok() ? splits : parts;
    return DataLoss(parts.message() + "\n" + splits.message());
  }

  ParameterSet& parameters() override { return model_->parameters(); }

  std::vector<TrainedGroup> groups() override {
    const FusionRates rates = FusionRatesOf(config_, model_->feature_size());
    std::vector<TrainedGroup> groups;
    if (!config_.Bool("freeze_experts")) {
      groups.push_back({.name = "experts",
                        .parameters = model_->Trained({"experts."}),
                        .rate = rates.base * config_.Float("experts_rate_scale"),
                        .frozen_steps = FrozenSteps()});
      if (config_.Text("clip") == "component") {
        groups.back().clip_norm = config_.Float("clip_norm_experts");
      }
    }
    groups.push_back({.name = "fusion",
                      .parameters = model_->Trained({"fusion.", "adapters."}),
                      .rate = rates.head});
    groups.push_back({.name = "global_head",
                      .parameters = model_->Trained({"global_head."}),
                      .rate = rates.head});
    return groups;
  }

  BatchLoss Forward(const Batch& batch) override {
    const double smoothing = config_.Float("label_smoothing");
    at_ = batch.at;
    const FusedOutput out = model_->Forward(batch.inputs, TrainingPass(at_), Frozen());
    global_ = MeanLoss(out.logits, batch, smoothing);
    BatchLoss loss;
    at::Tensor individual;
    for (std::size_t k = 0; k < out.expert_logits.size(); ++k) {
      const at::Tensor own = MeanLoss(out.expert_logits[k], batch, smoothing);
      individual = individual.defined() ? individual.add(own) : own;
      loss.values.push_back(
          {names_.Expert("train", k) + "_accuracy", MeanAccuracy(out.expert_logits[k], batch)});
      loss.values.push_back({names_.Expert("train", k) + "_loss", own});
    }
    loss.values.push_back({"train/accuracy", MeanAccuracy(out.logits, batch)});
    loss.values.push_back({"train/loss_global", global_});
    loss.values.push_back({"train/loss_individual", individual});
    weighed_ = individual.mul(config_.Float("alpha"));
    loss.loss = global_.add(weighed_);
    return loss;
  }

  void Backward(const BatchLoss& loss, double scale) override {
    if (!config_.Bool("pcgrad") || Frozen()) return Task::Backward(loss, scale);
    std::vector<at::Tensor> parameters;
    for (const Parameter& parameter : model_->parameters().trained) {
      parameters.push_back(parameter.value);
    }
    BackwardWithoutConflicts(global_, weighed_, parameters, scale);
  }

  std::vector<std::string> heads() const override {
    std::vector<std::string> heads = {"fusion"};
    for (std::size_t k = 0; k < model_->experts(); ++k) {
      heads.push_back("expert_" + std::to_string(k));
    }
    return heads;
  }
  std::vector<at::Tensor> Answer(const at::Tensor& inputs) override {
    FusedOutput out = model_->Forward(inputs, EvaluationPass(), false);
    std::vector<at::Tensor> logits = {std::move(out.logits)};
    std::move(out.expert_logits.begin(), out.expert_logits.end(), std::back_inserter(logits));
    return logits;
  }

  std::string log_file() const override { return names_.LogFile(); }
  std::vector<CsvLog::Cell> LogRow(const EpochFacts& facts) override {
    return FusionLogRow(config_, names_, facts, model_->experts());
  }

  Result<std::vector<ArtifactReport>> Export(const ModelFacts& model) override {
    std::vector<ArtifactReport> made;
    if (!IsExported(config_, model)) return made;
    for (std::size_t k = 0; k < model_->experts(); ++k) {
      const std::string expert = std::to_string(k);
      RETURN_IF_ERROR(ExportPart(model, "experts/", "expert_" + expert,
                                 Tensors(parameters(), "experts." + expert + "."), made));
    }
    std::vector<NamedTensor> module = Tensors(parameters(), "fusion.");
    for (const NamedTensor& tensor : Tensors(parameters(), "adapters.")) {
      module.push_back({"adapters." + tensor.name, tensor.tensor});
    }
    RETURN_IF_ERROR(ExportPart(model, "fusion/", "fusion", module, made));
    RETURN_IF_ERROR(
        ExportPart(model, "global/", "global", Tensors(parameters(), "global_head."), made));
    return made;
  }

  std::map<std::string, std::string> Info() const override {
    auto info = images_.Info();
    info["parameters"] = std::to_string(model_->parameters().Count());
    info["feature_size"] = std::to_string(model_->feature_size());
    return info;
  }

 private:
  std::int64_t FrozenSteps() const {
    return config_.Int("freeze_epochs") * images_.plan().steps_per_epoch;
  }
  bool Frozen() const { return config_.Bool("freeze_experts") || at_.step < FrozenSteps(); }

  // The first head is the fusion's.
  std::vector<Metric> Told(const std::string& split,
                           const std::vector<Score>& scores) const override {
    const Score& fused = scores[0];
    double individual = 0;
    double best = 0;
    std::vector<Metric> told;
    for (std::size_t k = 0; k + 1 < scores.size(); ++k) {
      const Score& expert = scores[k + 1];
      const std::string name = names_.Expert(split, k);
      told.push_back({name + "_accuracy", expert.accuracy()});
      told.push_back({name + "_loss", expert.loss()});
      individual += expert.loss();
      best = std::max(best, expert.accuracy());
    }
    told.push_back({split + "/loss_global", fused.loss()});
    told.push_back({split + "/loss_individual", individual});
    told.push_back({split + "/loss", fused.loss() + config_.Float("alpha") * individual});
    told.push_back({split + "/accuracy", fused.accuracy()});
    told.push_back({split + "/gain", 100 * (fused.accuracy() - best)});
    return told;
  }

  Status ExportPart(const ModelFacts& model, const std::string& folder, const std::string& part,
                    const std::vector<NamedTensor>& tensors, std::vector<ArtifactReport>& made) {
    ComponentFacts facts = FactsOf(model);
    facts.fusion_type = config_.Text("fusion");
    facts.model_architecture = names_.architecture();
    facts.alpha = config_.Float("alpha");
    facts.component = part;
    const auto files = ExportComponent(names_.ComponentStem(folder, part, model.which), tensors,
                                       facts, model.step);
    if (!files.ok()) return files.status();
    made.insert(made.end(), files->begin(), files->end());
    return Ok();
  }

  const FusionLabels names_;
  std::unique_ptr<FusedModel> model_;
  // Of the last Forward.
  MicroStep at_;
  at::Tensor global_;
  at::Tensor weighed_;
};

}  // namespace

Result<std::unique_ptr<Task>> MakeFusionTask(const Job& job, const Device& device) {
  auto precision = Precision::FromName(job.config.Text("precision"), device.cuda != nullptr);
  if (!precision.ok()) return precision.status();
  return std::unique_ptr<Task>(std::make_unique<FusionTask>(job, device, *precision));
}

}  // namespace fusor
