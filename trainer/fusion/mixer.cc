#include "trainer/fusion/mixer.h"

#include "common/base/check.h"

namespace fusor {

Mlp::Mlp(ModelBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
         double dropout)
    : name_(name),
      first_(builder, name + ".0", in, out),
      dropout_(name + ".2", dropout),
      second_(builder, name + ".3", out, out) {}

at::Tensor Mlp::Forward(const at::Tensor& input, const Pass& pass) const {
  at::Tensor inner = Relu(first_.Forward(input, pass), name_ + ".1", pass);
  return second_.Forward(dropout_.Forward(inner, pass), pass).to(pass.precision.master());
}

ExpertNorms::ExpertNorms(ModelBuilder& builder, std::int64_t experts, std::int64_t size) {
  for (std::int64_t k = 0; k < experts; ++k) {
    norms_.emplace_back(builder, "norms." + std::to_string(k), size);
  }
}

std::vector<at::Tensor> ExpertNorms::Forward(std::span<const at::Tensor> features,
                                             const Pass& pass) const {
  CHECK(features.size() == norms_.size());
  std::vector<at::Tensor> normed;
  for (std::size_t k = 0; k < norms_.size(); ++k) {
    normed.push_back(norms_[k].Forward(features[k], pass));
  }
  return normed;
}

WeightedSum::WeightedSum(ModelBuilder& builder, std::int64_t experts)
    : weights_(builder.Vector("expert_weights", experts, 1)) {}

at::Tensor WeightedSum::Forward(std::span<const at::Tensor> features, const Pass& pass) const {
  CHECK(static_cast<std::int64_t>(features.size()) == weights_.numel());
  const at::Tensor shares = weights_.softmax(0);
  at::Tensor sum;
  for (std::size_t k = 0; k < features.size(); ++k) {
    at::Tensor part =
        features[k].to(pass.precision.master()).mul(shares[static_cast<std::int64_t>(k)]);
    sum = sum.defined() ? sum.add(part) : part;
  }
  return sum;
}

at::Tensor Product(std::span<const at::Tensor> factors) {
  CHECK(!factors.empty());
  at::Tensor product = factors[0];
  for (const at::Tensor& factor : factors.subspan(1)) product = product.mul(factor);
  return product;
}

}  // namespace fusor
