#pragma once

// Experts, adapters where they differ, the fusion module and the global head, in one set of
// parameters: experts.{k}.*, adapters.{k}.*, fusion.*, global_head.*.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/recipe/recipe.h"
#include "trainer/fusion/fusion.h"
#include "trainer/models/network.h"
#include "trainer/models/parameters.h"

namespace fusor {

struct FusedOptions {
  std::vector<NetworkOptions> experts;
  FusionOptions fusion;                      // without its feature size
  std::optional<std::int64_t> feature_size;  // of different experts; else that of the widest
  std::uint64_t seed = 0;
};

// What the configuration describes, for so many classes.
FusedOptions FusedOptionsOf(const Config& config, std::int64_t classes);

struct FusedOutput {
  at::Tensor logits;
  std::vector<at::Tensor> expert_logits;
};

class FusedModel {
 public:
  static Result<std::unique_ptr<FusedModel>> Make(const FusedOptions& options, at::Device device);

  // Each expert sees the images once. Frozen ones are evaluated and get no gradients.
  FusedOutput Forward(const at::Tensor& images, const Pass& pass, bool frozen_experts) const;

  std::size_t experts() const { return experts_.size(); }
  std::int64_t feature_size() const { return feature_size_; }
  ParameterSet& parameters() { return parameters_; }
  // Those whose names begin with one of the prefixes.
  std::vector<Parameter> Trained(const std::vector<std::string>& prefixes) const;

 private:
  FusedModel() = default;
  Status AddExpert(const NetworkOptions& options, at::Device device);
  void Adopt(ParameterSet part, const std::string& prefix);

  std::uint64_t seed_ = 0;
  std::int64_t feature_size_ = 0;
  ParameterSet parameters_;
  std::vector<std::unique_ptr<Network>> experts_;
  std::optional<Adapters> adapters_;
  std::unique_ptr<Fusion> fusion_;
  std::optional<GlobalHead> head_;
};

}  // namespace fusor
