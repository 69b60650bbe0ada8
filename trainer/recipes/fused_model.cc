#include "trainer/recipes/fused_model.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/random.h"
#include "common/recipe/image_params.h"
#include "common/recipe/own_values.h"

namespace fusor {
namespace {

constexpr std::int64_t kExperts = 4;

std::uint64_t SeedOf(std::uint64_t seed, std::size_t expert) {
  return Mix(seed, static_cast<std::uint64_t>(expert));
}

}  // namespace

FusedOptions FusedOptionsOf(const Config& config, std::int64_t classes) {
  FusedOptions options;
  NetworkOptions network = NetworkOptionsOf(config.values());
  network.classes = classes;
  options.experts.assign(kExperts, network);
  const auto mixed = ReadNetworks(config.Text("models"));
  CHECK(mixed.ok());  // as the recipe's rules have seen
  for (std::size_t k = 0; k < mixed->size(); ++k) {
    options.experts[k] = (*mixed)[k];
    options.experts[k].classes = classes;
    if (!options.experts[k].dropout) options.experts[k].dropout = OwnDropout((*mixed)[k].model);
  }
  if (!mixed->empty() && config.Has("feature_size")) {
    options.feature_size = config.Int("feature_size");
  }
  options.fusion = {.type = config.Text("fusion"),
                    .experts = static_cast<std::int64_t>(options.experts.size()),
                    .dropout = config.Float("fusion_dropout")};
  options.seed = static_cast<std::uint64_t>(config.Int("seed"));
  return options;
}

Result<std::unique_ptr<FusedModel>> FusedModel::Make(const FusedOptions& options,
                                                     at::Device device) {
  std::unique_ptr<FusedModel> model(new FusedModel());
  model->seed_ = options.seed;
  std::vector<std::int64_t> sizes;
  for (const NetworkOptions& expert : options.experts) {
    RETURN_IF_ERROR(model->AddExpert(expert, device));
    sizes.push_back(model->experts_.back()->feature_size());
  }
  model->feature_size_ =
      options.feature_size.value_or(*std::max_element(sizes.begin(), sizes.end()));
  ModelBuilder builder(model->parameters_, options.seed, device);
  if (std::any_of(sizes.begin(), sizes.end(),
                  [&](std::int64_t size) { return size != model->feature_size_; })) {
    model->adapters_.emplace(builder, sizes, model->feature_size_);
  }
  ParameterSet module;
  ModelBuilder module_builder(module, options.seed, device);
  FusionOptions fusion = options.fusion;
  fusion.feature_size = model->feature_size_;
  auto made = MakeFusion(module_builder, fusion);
  if (!made.ok()) return made.status();
  model->fusion_ = std::move(*made);
  model->Adopt(std::move(module), "fusion.");
  model->head_.emplace(builder, model->feature_size_, options.experts.front().classes);
  return model;
}

// Equal networks of different draws.
Status FusedModel::AddExpert(const NetworkOptions& options, at::Device device) {
  ParameterSet part;
  ModelBuilder builder(part, SeedOf(seed_, experts_.size()), device);
  auto network = MakeNetwork(builder, options);
  if (!network.ok()) return network.status();
  Adopt(std::move(part), "experts." + std::to_string(experts_.size()) + ".");
  experts_.push_back(std::move(*network));
  return Ok();
}

void FusedModel::Adopt(ParameterSet part, const std::string& prefix) {
  for (Parameter& parameter : part.trained) {
    parameter.name = prefix + parameter.name;
    parameters_.trained.push_back(std::move(parameter));
  }
  for (Buffer& buffer : part.buffers) {
    buffer.name = prefix + buffer.name;
    parameters_.buffers.push_back(std::move(buffer));
  }
}

FusedOutput FusedModel::Forward(const at::Tensor& images, const Pass& pass,
                                bool frozen_experts) const {
  FusedOutput output;
  std::vector<at::Tensor> features;
  {
    at::AutoGradMode gradients(at::GradMode::is_enabled() && !frozen_experts);
    for (std::size_t k = 0; k < experts_.size(); ++k) {
      Pass own = pass;
      own.seed = SeedOf(pass.seed, k);
      if (frozen_experts) own.mode = Mode::kEvaluate;
      NetworkOutput out = experts_[k]->Forward(images, own);
      features.push_back(std::move(out.features));
      output.expert_logits.push_back(std::move(out.logits));
    }
  }
  if (adapters_) features = adapters_->Forward(features, pass);
  output.logits = head_->Forward(fusion_->Forward(features, pass), pass);
  return output;
}

std::vector<Parameter> FusedModel::Trained(const std::vector<std::string>& prefixes) const {
  std::vector<Parameter> found;
  for (const Parameter& parameter : parameters_.trained) {
    const bool wanted =
        std::any_of(prefixes.begin(), prefixes.end(),
                    [&](const std::string& prefix) { return parameter.name.starts_with(prefix); });
    if (wanted) found.push_back(parameter);
  }
  return found;
}

}  // namespace fusor
